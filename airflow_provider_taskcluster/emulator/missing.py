"""What is said where the packages of the extra ``[emulator]`` are not installed."""

from __future__ import annotations


def needs_extra(error: ModuleNotFoundError) -> str:
    """Say what to install."""
    return (
        f"The emulator needs the package {error.name!r}, which is not installed: "
        f"pip install 'airflow-provider-taskcluster[emulator]'"
    )

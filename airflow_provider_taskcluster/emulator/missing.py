"""Error message for missing packages of the extra ``[emulator]``."""

from __future__ import annotations


def needs_extra(error: ModuleNotFoundError) -> str:
    """Return the message that says what to install."""
    return (
        f"The emulator needs the package {error.name!r}, which is not installed: "
        f"pip install 'airflow-provider-taskcluster[emulator]'"
    )

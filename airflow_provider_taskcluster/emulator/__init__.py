"""Emulator of Taskcluster for demos and DAG tests (extra ``[emulator]``).

Object service, queue (tasks, their groups and dependencies, runs, artifacts), index, hooks, secrets, notify,
purge-cache and auth under one root URL, and a store of bytes behind signed URLs at a second address.

As a program: ``python -m airflow_provider_taskcluster.emulator``. As a library::

    with Emulator() as tc:
        queue = taskcluster.Queue({"rootUrl": tc.root_url, "credentials": {...}})

It shares no code with the provider. From the outside in: ``api`` (HTTP) calls ``services``, which keep
their state in ``database`` and their bytes in ``store``; ``auth`` identifies the caller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .missing import needs_extra
from .settings import Lifetimes, Settings

if TYPE_CHECKING:
    from .server import Emulator

__all__ = ["Emulator", "Lifetimes", "Settings"]


def __getattr__(name: str) -> Any:
    """Import the server on first use, because it needs the packages of the extra."""
    if name != "Emulator":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from .server import Emulator
    except ModuleNotFoundError as error:
        raise ImportError(needs_extra(error)) from None
    return Emulator


def __dir__() -> list[str]:
    return [*globals(), "Emulator"]

"""Taskcluster on one's own machine, for demos and DAG tests (extra ``[emulator]``).

Object service, queue (tasks, their groups and dependencies, runs, artifacts), index, purge-cache and auth under
one root URL, and a store of bytes behind signed URLs at a second address.

As a program: ``python -m airflow_provider_taskcluster.emulator``. As a library::

    with Emulator() as tc:
        queue = taskcluster.Queue({"rootUrl": tc.root_url, "credentials": {...}})

It shares no code with the provider. From the wire inwards: ``api`` (HTTP) calls ``services``, which keep
their state in ``database`` and their bytes in ``store``; ``auth`` says who calls.
"""

from __future__ import annotations

from .server import Emulator
from .settings import Lifetimes, Settings

__all__ = ["Emulator", "Lifetimes", "Settings"]

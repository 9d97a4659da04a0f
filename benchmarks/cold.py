"""Case about a small download in a process that has imported Airflow: what a task pays before its first byte."""

from __future__ import annotations

import compileall
import contextlib
from typing import TYPE_CHECKING

from . import checks, world
from .transfers import PACKAGE, SMALL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .workspace import Measure, Workspace


@contextlib.contextmanager
def started(workspace: Workspace) -> Iterator[Measure]:
    """Import a client and download 1 KiB with it; the figure is in milliseconds."""
    compileall.compile_dir(PACKAGE, quiet=1)  # as the installer of a wheel does
    with world.near(workspace.folder) as near:
        near.put_object("benchmarks/small", workspace.sources.of(SMALL))

        def measure(contender: str) -> world.Run:
            with near.destination() as folder:
                run = near.contend(contender, name="benchmarks/small", destination=str(folder / "file"))
                checks.check_size(folder / "file", SMALL)
            return run.about(run.seconds * 1000)

        yield measure

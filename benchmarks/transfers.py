"""Cases about transfers of objects and artifacts, and about what the package costs without one.

Each function is a context manager that sets up a world and gives a function which measures one run of a contender.
"""

from __future__ import annotations

import compileall
import contextlib
import math
from typing import TYPE_CHECKING

from . import checks, world
from .sources import MIB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from .workspace import Measure, Workspace

CUTS = 5
# The memory case compares a file of four times the size with one of a 64th of it: 4 GiB with 16 MiB.
MEMORY_LARGE, MEMORY_SMALL = 4, 64
# Times the size: 6 GiB at the default size, more than a single PUT can carry.
HUGE = 6
SMALL = 1024
# Contenders that need the source file.
WITH_THE_SOURCE = {"limits.necessary_work", "limits.bare_write"}
PACKAGE = world.REPOSITORY / "airflow_provider_taskcluster"


@contextlib.contextmanager
def downloaded_object(workspace: Workspace, name: str = "benchmarks/object") -> Iterator[Measure]:
    """Download an object to a file."""
    source = workspace.sources.of(workspace.plan.size)
    with world.near(workspace.folder) as near:
        near.put_object(name, source)

        def measure(contender: str) -> world.Run:
            extra = {"source": str(source.path)} if contender in WITH_THE_SOURCE else {}
            with near.destination() as folder:
                run = near.contend(contender, name=name, destination=str(folder / "file"), **extra)
                checks.check_size(folder / "file", source.size)
            return run

        yield measure


@contextlib.contextmanager
def downloaded_artifact(workspace: Workspace) -> Iterator[Measure]:
    """Download an s3 artifact to a file."""
    source = workspace.sources.of(workspace.plan.size)
    with world.near(workspace.folder) as near:
        task_id = near.put_artifact("public/artifact", source)

        def measure(contender: str) -> world.Run:
            with near.destination() as folder:
                file = folder / "file"
                run = near.contend(contender, task_id=task_id, name="public/artifact", destination=str(file))
                checks.check_size(file, source.size)
            return run

        yield measure


@contextlib.contextmanager
def uploaded_object(workspace: Workspace, rate: float = math.inf) -> Iterator[Measure]:
    """Upload a file to a new object each time, at most at ``rate`` bytes a second on each connection."""
    source = workspace.sources.of(workspace.plan.size)
    with world.forgetful(workspace.folder, rate) as near:

        def measure(contender: str) -> world.Run:
            run = near.contend(contender, name=world.fresh("upload"), source=str(source.path))
            checks.check_sent(near.take_stored(), source.size)
            return run

        yield measure


@contextlib.contextmanager
def huge(workspace: Workspace) -> Iterator[Measure]:
    """Additional memory, in MiB, for uploading and downloading a file above the PUT limit, against a small file."""
    with world.plain(workspace.folder) as near:

        def trip(contender: str, size: int) -> world.Run:
            with near.destination() as folder:
                source, file = folder / "source", folder / "file"
                with source.open("wb") as sparse:
                    sparse.truncate(size)
                run = near.contend(contender, name=world.fresh("huge"), source=str(source), destination=str(file))
                checks.check_size(file, size)
            checks.check_sent(near.take_stored(), size)
            return run

        def measure(contender: str) -> world.Run:
            small = trip(contender, workspace.plan.size // MEMORY_SMALL)
            run = trip(contender, workspace.plan.size * HUGE)
            return run.about((run.memory - small.memory) / MIB)

        yield measure


@contextlib.contextmanager
def small_objects(workspace: Workspace, *, far: bool) -> Iterator[Measure]:
    """Upload many small objects, then download them."""
    source = workspace.sources.of(SMALL)
    with (world.far if far else world.near)(workspace.folder) as setup:

        def measure(contender: str) -> world.Run:
            names = [world.fresh("small") for _ in range(workspace.plan.objects)]
            with setup.destination() as folder:
                run = setup.contend(contender, names=names, source=str(source.path), destination=str(folder))
                for number, name in enumerate(names):
                    checks.check_size(setup.stored(name), SMALL)
                    checks.check_size(folder / str(number), SMALL)
            return run

        yield measure


@contextlib.contextmanager
def cut_download(workspace: Workspace) -> Iterator[Measure]:
    """Download an object over connections that are cut; the figure is the bytes sent by the store, by the size."""
    source = workspace.sources.of(workspace.plan.size)
    with world.cut(workspace.folder) as setup:
        cutter = setup.cutter
        assert cutter is not None
        setup.put_object("benchmarks/object", source)

        def measure(contender: str) -> world.Run:
            cutter.begin([source.size * cut // (CUTS + 1) for cut in range(1, CUTS + 1)])
            with setup.destination() as folder:
                run = setup.contend(contender, name="benchmarks/object", destination=str(folder / "file"))
                checks.check_size(folder / "file", source.size)
            return run.about(cutter.passed / source.size)

        yield measure


@contextlib.contextmanager
def memory(workspace: Workspace) -> Iterator[Measure]:
    """Additional memory of a large file against a small one, in MiB; the worse of download and upload."""
    sources = [
        workspace.sources.of(workspace.plan.size * MEMORY_LARGE),
        workspace.sources.of(workspace.plan.size // MEMORY_SMALL),
    ]
    with world.near(workspace.folder) as near:
        for source in sources:
            near.put_object(f"benchmarks/{source.size}", source)

        def down(contender: str, size: int) -> world.Run:
            with near.destination() as folder:
                file = folder / "file"
                run = near.contend(f"{contender}.download_object", name=f"benchmarks/{size}", destination=str(file))
                checks.check_size(file, size)
            return run

        def up(contender: str, path: Path, size: int) -> world.Run:
            name = world.fresh("upload")
            run = near.contend(f"{contender}.upload_object", name=name, source=str(path))
            checks.check_size(near.stored(name), size)
            near.stored(name).unlink()
            return run

        def measure(contender: str) -> world.Run:
            downs = [down(contender, source.size) for source in sources]
            ups = [up(contender, source.path, source.size) for source in sources]
            grown, run = max((large.memory - small.memory, large) for large, small in (downs, ups))
            return run.about(grown / MIB)

        yield measure


@contextlib.contextmanager
def json_calls(workspace: Workspace) -> Iterator[Measure]:
    """Make metadata calls, one after the other."""
    with world.near(workspace.folder) as near:
        near.put_object("benchmarks/object", workspace.sources.of(SMALL))
        yield lambda contender: near.contend(contender, name="benchmarks/object", count=workspace.plan.calls)


@contextlib.contextmanager
def parsed(workspace: Workspace, figure: Callable[[world.Run], float]) -> Iterator[Measure]:
    """Import every operator and sensor in a process that has imported Airflow's BaseOperator."""
    compileall.compile_dir(PACKAGE, quiet=1)  # as the installer of a wheel does
    with world.plain(workspace.folder) as setup:

        def measure(contender: str) -> world.Run:
            run = setup.contend(contender)
            return run.about(figure(run))

        yield measure

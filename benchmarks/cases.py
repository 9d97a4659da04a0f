"""What is compared with what, and the bar each case must reach.

The ground of a case is a context manager that sets a world up and gives out one function: let this contender work
once, check what it did, and return what it took.
"""

from __future__ import annotations

import compileall
import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from . import payloads, waits, world
from .sources import MIB

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from .sources import Sources

CUTS = 5
# The memory case compares files of four times the size with files of a 64th of it: 4 GiB with 16 MiB.
MEMORY_LARGE, MEMORY_SMALL = 4, 64
# 6 GiB of a size of 1: more than one PUT can carry.
HUGE = 6
CAP = 64 * MIB
SMALL = 1024
WITHOUT_A_STORE = {"limits.hashing", "limits.bare_write"}
PACKAGE = world.REPOSITORY / "airflow_provider_taskcluster"

Measure = Callable[[str], float]


@dataclass(frozen=True)
class Plan:
    """How much is moved. ``objects`` and ``calls`` are the counts of the cases about many small things."""

    size: int
    objects: int
    calls: int


@dataclass(frozen=True)
class Ground:
    """Where a case runs: a folder on the disk that is measured, and the files to move on the same disk."""

    folder: Path
    sources: Sources
    plan: Plan


@dataclass(frozen=True)
class Bar:
    """What must be reached: a ratio of the peer's figure to ours, or a figure of ours."""

    ratio: float | None = None
    ours: float | None = None

    def reached(self, ours: float, ratio: float | None) -> bool:
        """Whether it was."""
        if self.ours is not None:
            return ours <= self.ours
        return self.ratio is not None and ratio is not None and ratio >= self.ratio

    def __str__(self) -> str:
        return f"ratio >= {self.ratio}" if self.ours is None else f"ours <= {self.ours:g}"


@dataclass(frozen=True)
class Case:
    """One line of the table. Of several peers the worst figure counts: what nobody can beat is a limit."""

    key: str
    bar: Bar
    ground: Callable[[Ground], AbstractContextManager[Measure]]
    ours: str
    peers: tuple[str, ...] = ()
    unit: str = "s"
    on_tmpfs: bool = False

    @property
    def contenders(self) -> tuple[str, ...]:
        """All who take turns."""
        return (self.ours, *self.peers)


@contextlib.contextmanager
def downloaded_object(ground: Ground, name: str = "benchmarks/object") -> Iterator[Measure]:
    """An object to a file."""
    source = ground.sources.of(ground.plan.size)
    with world.near(ground.folder) as near:
        near.put_object(name, source)

        def measure(contender: str) -> float:
            extra = {"source": str(source.path)} if contender in WITHOUT_A_STORE else {}
            with near.destination() as folder:
                run = near.contend(contender, name=name, destination=str(folder / "file"), **extra)
                check_size(folder / "file", source.size)
            return run.seconds

        yield measure


@contextlib.contextmanager
def downloaded_artifact(ground: Ground) -> Iterator[Measure]:
    """An s3 artifact to a file."""
    source = ground.sources.of(ground.plan.size)
    with world.near(ground.folder) as near:
        task_id = near.put_artifact("public/artifact", source)

        def measure(contender: str) -> float:
            with near.destination() as folder:
                file = folder / "file"
                run = near.contend(contender, task_id=task_id, name="public/artifact", destination=str(file))
                check_size(file, source.size)
            return run.seconds

        yield measure


@contextlib.contextmanager
def uploaded_object(ground: Ground, rate: float = math.inf) -> Iterator[Measure]:
    """A file to an object, a new one each time, at most at ``rate`` bytes a second on each connection."""
    source = ground.sources.of(ground.plan.size)
    with world.forgetful(ground.folder, rate) as near:

        def measure(contender: str) -> float:
            run = near.contend(contender, name=world.fresh("upload"), source=str(source.path))
            check_sent(near.take_stored(), source.size)
            return run.seconds

        yield measure


@contextlib.contextmanager
def huge(ground: Ground) -> Iterator[Measure]:
    """More memory that a sparse file too large for one PUT takes, up and down again, than one of a 64th, in MiB."""
    with world.plain(ground.folder) as near:

        def trip(contender: str, size: int) -> int:
            with near.destination() as folder:
                source, file = folder / "source", folder / "file"
                with source.open("wb") as sparse:
                    sparse.truncate(size)
                run = near.contend(contender, name=world.fresh("huge"), source=str(source), destination=str(file))
                check_size(file, size)
            check_sent(near.take_stored(), size)
            return run.memory

        def measure(contender: str) -> float:
            small = trip(contender, ground.plan.size // MEMORY_SMALL)
            return (trip(contender, ground.plan.size * HUGE) - small) / MIB

        yield measure


@contextlib.contextmanager
def small_objects(ground: Ground, *, far: bool) -> Iterator[Measure]:
    """Many small objects up, then down."""
    source = ground.sources.of(SMALL)
    with (world.far if far else world.near)(ground.folder) as place:

        def measure(contender: str) -> float:
            names = [world.fresh("small") for _ in range(ground.plan.objects)]
            with place.destination() as folder:
                run = place.contend(contender, names=names, source=str(source.path), destination=str(folder))
                for number, name in enumerate(names):
                    check_size(place.stored(name), SMALL)
                    check_size(folder / str(number), SMALL)
            return run.seconds

        yield measure


@contextlib.contextmanager
def cut_download(ground: Ground) -> Iterator[Measure]:
    """An object over a line that is cut on the way; bytes that came from the store, by size."""
    source = ground.sources.of(ground.plan.size)
    with world.cut(ground.folder) as place:
        cutter = place.cutter
        assert cutter is not None
        place.put_object("benchmarks/object", source)

        def measure(contender: str) -> float:
            cutter.begin([source.size * cut // (CUTS + 1) for cut in range(1, CUTS + 1)])
            with place.destination() as folder:
                place.contend(contender, name="benchmarks/object", destination=str(folder / "file"))
                check_size(folder / "file", source.size)
            return cutter.passed / source.size

        yield measure


@contextlib.contextmanager
def memory(ground: Ground) -> Iterator[Measure]:
    """How much more memory a large file takes than a small one, in MiB; the worse of download and upload."""
    sources = [ground.sources.of(ground.plan.size * MEMORY_LARGE), ground.sources.of(ground.plan.size // MEMORY_SMALL)]
    with world.near(ground.folder) as near:
        for source in sources:
            near.put_object(f"benchmarks/{source.size}", source)

        def down(contender: str, size: int) -> int:
            with near.destination() as folder:
                file = folder / "file"
                run = near.contend(f"{contender}.download_object", name=f"benchmarks/{size}", destination=str(file))
                check_size(file, size)
            return run.memory

        def up(contender: str, path: Path, size: int) -> int:
            name = world.fresh("upload")
            run = near.contend(f"{contender}.upload_object", name=name, source=str(path))
            check_size(near.stored(name), size)
            near.stored(name).unlink()
            return run.memory

        def measure(contender: str) -> float:
            downs = [down(contender, source.size) for source in sources]
            ups = [up(contender, source.path, source.size) for source in sources]
            return max(downs[0] - downs[1], ups[0] - ups[1]) / MIB

        yield measure


@contextlib.contextmanager
def json_calls(ground: Ground) -> Iterator[Measure]:
    """Metadata calls, one after the other."""
    with world.near(ground.folder) as near:
        near.put_object("benchmarks/object", ground.sources.of(SMALL))
        yield lambda contender: near.contend(contender, name="benchmarks/object", count=ground.plan.calls).seconds


@contextlib.contextmanager
def parsed(ground: Ground, figure: Callable[[world.Run], float]) -> Iterator[Measure]:
    """What importing every operator and sensor adds to a process that has imported Airflow's BaseOperator."""
    compileall.compile_dir(PACKAGE, quiet=1)  # as the installer of a wheel does
    with world.plain(ground.folder) as place:
        yield lambda contender: figure(place.contend(contender))


def check_sent(found: int, size: int) -> None:
    """A contender that sent less has failed, and one that sent over 1.01 times as much as well."""
    if not size <= found <= size * 1.01 + MIB:
        raise world.ContenderFailed(f"{size} bytes were to arrive, and {found} did")


def check_size(file: Path, size: int) -> None:
    """A contender that did not do the work has failed (ours has compared the digests, too)."""
    found = file.stat().st_size if file.exists() else None
    if found != size:
        raise world.ContenderFailed(f"{size} bytes were to arrive, but there are {found}")


_capped = partial(downloaded_object, name=world.CAPPED)
_object = ("ours.download_object", ("peer.download_object",))
_artifact = ("ours.download_artifact", ("peer.download_artifact",))
_upload = ("ours.upload_object", ("peer.upload_object",))
_parts = ("ours.upload_in_parts", ("peer.upload_object",))
_small = ("ours.small_objects", ("peer.small_objects",))
_payload = ("ours.download_payload", ("peer.download_payload",))
_parse = "parse.operators_and_sensors"
_durable = ("ours.download_object", ("ours.download_object_unsynced", "limits.bare_write"))
_durable_many = ("ours.download_payload", ("ours.download_payload_unsynced",))
_limits = ("ours.download_object", ("limits.hashing", "limits.raw_socket"))

CASES = (
    Case("download_object", Bar(ratio=2.0), downloaded_object, *_object, on_tmpfs=True),
    Case("download_s3_artifact", Bar(ratio=2.0), downloaded_artifact, *_artifact, on_tmpfs=True),
    Case("download_capped", Bar(ratio=5.0), _capped, *_object),
    Case("download_capped_aria2", Bar(ratio=1.0), _capped, "ours.download_object", ("limits.aria2c",)),
    Case("download_limit", Bar(ratio=0.85), downloaded_object, *_limits, on_tmpfs=True),
    Case("download_durable", Bar(ratio=0.87), downloaded_object, *_durable),
    Case("upload_object", Bar(ratio=1.4), uploaded_object, *_upload, on_tmpfs=True),
    Case("small_objects", Bar(ratio=1.5), partial(small_objects, far=False), *_small, on_tmpfs=True),
    Case("small_objects_far", Bar(ratio=2.0), partial(small_objects, far=True), *_small),
    Case("download_cut", Bar(ours=1.02), cut_download, *_object, unit="x size"),
    Case("memory", Bar(ours=64), memory, "ours", unit="MiB"),
    Case("multipart_upload", Bar(ratio=1.3), uploaded_object, *_parts),
    Case("multipart_capped", Bar(ratio=4.0), partial(uploaded_object, rate=CAP), *_parts),
    Case("multipart_huge", Bar(ours=64), huge, "ours.round_trip", unit="MiB"),
    Case("payload_many", Bar(ratio=2.0), partial(payloads.downloaded_payload, far=False), *_payload),
    Case("payload_many_far", Bar(ratio=6.0), partial(payloads.downloaded_payload, far=True), *_payload),
    Case("payload_durable", Bar(ratio=0.77), partial(payloads.downloaded_payload, far=False), *_durable_many),
    Case("payload_list", Bar(ours=8), payloads.listed, "ours.list_payload", unit="MiB"),
    Case("waits_5000", Bar(ours=110), waits.unchanging, "waits.hold", unit="calls"),
    Case("waits_tasks", Bar(ours=10), waits.many_tasks, "waits.hold", unit="calls"),
    Case("waits_mixed", Bar(ours=330), waits.mixed, "waits.hold", unit="calls"),
    Case("waits_latency", Bar(ours=waits.INTERVAL + 1), partial(waits.changing, figure=waits.latency), "waits.hold"),
    Case("waits_loop_lag", Bar(ours=50), partial(waits.changing, figure=waits.block), "waits.hold", unit="ms"),
    Case("waits_memory", Bar(ours=20), partial(waits.changing, figure=waits.memory_each), "waits.hold", unit="KiB"),
    Case("json_calls", Bar(ratio=1.3), json_calls, "ours.json_calls", ("peer.json_calls",)),
    Case("dag_parse", Bar(ours=50), partial(parsed, figure=lambda run: run.seconds * 1000), _parse, unit="ms"),
    Case("dag_parse_memory", Bar(ours=10), partial(parsed, figure=lambda run: run.memory / MIB), _parse, unit="MiB"),
)

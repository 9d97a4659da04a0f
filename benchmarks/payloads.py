"""The cases about many artifacts of one task."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from . import world
from .sources import KIB, MIB

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .cases import Ground, Measure

FILE = 64 * KIB
# 1,000 files and a list of 20,000 where the cases about small objects have 200.
FILES, LISTED = 5, 100
# A list that fits one page, to compare with.
ONE_PAGE = 20


@contextlib.contextmanager
def downloaded_payload(ground: Ground, *, far: bool) -> Iterator[Measure]:
    """All artifacts of a task into a folder; every other one is an object, with sums, and the others are in s3."""
    source = ground.sources.of(FILE)
    count = ground.plan.objects * FILES
    with (world.far if far else world.near)(ground.folder) as place:
        task_id = place.put_artifacts(source, count)

        def measure(contender: str) -> float:
            with place.destination() as folder:
                run = place.contend(contender, task_id=task_id, destination=str(folder))
                sizes = [file.stat().st_size for file in (folder / "public").iterdir()]
            if sizes != [FILE] * count:
                raise world.ContenderFailed(f"{count} files were to arrive, and {len(sizes)} did, or not whole")
            return run.seconds

        yield measure


@contextlib.contextmanager
def listed(ground: Ground) -> Iterator[Measure]:
    """How much more memory it takes to go through a long list of artifacts than through one page, in MiB."""
    count = ground.plan.objects * LISTED
    with world.near(ground.folder) as near:
        tasks = {number: near.announce_artifacts(number) for number in (count, count // ONE_PAGE)}

        def memory(contender: str, number: int) -> int:
            run = near.contend(contender, task_id=tasks[number])
            if run.bytes != number:
                raise world.ContenderFailed(f"{number} artifacts were to be listed, and {run.bytes} were")
            return run.memory

        def measure(contender: str) -> float:
            return (memory(contender, count) - memory(contender, count // ONE_PAGE)) / MIB

        yield measure

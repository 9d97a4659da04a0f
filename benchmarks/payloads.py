"""Cases about payloads: many artifacts of one task."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from . import world
from .sources import KIB, MIB

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .workspace import Measure, Workspace

FILE = 64 * KIB
# Times ``Plan.objects``: by default 1,000 files to download (200 if far, which takes long enough), and 20,000 to list.
FILES, LISTED = 5, 100
# The shorter list, by which the long one is divided, fits on one page.
ONE_PAGE = 20


@contextlib.contextmanager
def downloaded_payload(workspace: Workspace, *, far: bool) -> Iterator[Measure]:
    """Download all artifacts of a task into a folder; every other one is an object, the others are in s3."""
    source = workspace.sources.of(FILE)
    count = workspace.plan.objects * (1 if far else FILES)
    with (world.far if far else world.near)(workspace.folder) as setup:
        task_id = setup.put_artifacts(source, count)

        def measure(contender: str) -> world.Run:
            with setup.destination() as folder:
                run = setup.contend(contender, task_id=task_id, destination=str(folder))
                sizes = [file.stat().st_size for file in (folder / "public").iterdir()]
            if sizes != [FILE] * count:
                raise world.ContenderFailed(f"{count} files were to arrive, and {len(sizes)} did, or not whole")
            return run

        yield measure


@contextlib.contextmanager
def listed(workspace: Workspace) -> Iterator[Measure]:
    """Additional memory for listing many artifacts against one page of them, in MiB."""
    count = workspace.plan.objects * LISTED
    with world.near(workspace.folder) as near:
        tasks = {number: near.announce_artifacts(number) for number in (count, count // ONE_PAGE)}

        def listing(contender: str, number: int) -> world.Run:
            run = near.contend(contender, task_id=tasks[number])
            if run.bytes != number:
                raise world.ContenderFailed(f"{number} artifacts were to be listed, and {run.bytes} were")
            return run

        def measure(contender: str) -> world.Run:
            run = listing(contender, count)
            return run.about((run.memory - listing(contender, count // ONE_PAGE).memory) / MIB)

        yield measure

"""What every kind of transfer is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_taskcluster.emulator.worker import Worker
from chaos.contents import files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_provider_taskcluster.emulator.worker import Run
    from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
    from chaos.ground import Ground
    from chaos.held import Held
    from chaos.plan import Plan


class Transfer:
    """One transfer. ``prepare`` and ``move`` are called in processes of their own; the rest only looks."""

    def __init__(self, plan: Plan, ground: Ground) -> None:
        self.plan = plan
        self.ground = ground
        self.files = files(plan)

    @property
    def first(self) -> str:
        """The name of the one file of a transfer of one."""
        return next(iter(self.files))

    @property
    def content(self) -> bytes:
        """Its bytes."""
        return self.files[self.first]

    def prepare(self, hook: TaskclusterHook) -> None:
        """Make what is moved."""

    def move(self, hook: TaskclusterHook) -> dict[str, str] | None:
        """Move it; return the sha256 of what was read, by name, where it goes to no file."""
        raise NotImplementedError

    def expected_files(self) -> dict[str, bytes]:
        """Return what must be below the destination in the end."""
        return {}

    def expected_objects(self) -> dict[str, bytes]:
        """Return what must be readable in Taskcluster in the end, by name."""
        return {}

    def stored(self, held: Held) -> dict[str, bytes | None]:
        """Return what is readable in Taskcluster now, of what is expected; None where it has no bytes."""
        return {}

    def unexpected(self, held: Held) -> set[str]:
        """Return names in Taskcluster that nobody should have made."""
        return set()

    def kept(self, held: Held) -> int:
        """Return how many bytes the next try needs not move, by what is written down of them."""
        return 0

    def may_be_lost(self, held: Held) -> bool:
        """Whether no try can succeed any more, as the documentation says."""
        return False

    def run(self) -> Run:
        """Create and claim the task."""
        ground = self.ground
        worker = Worker(ground.root_url, {"clientId": ground.client_id, "accessToken": ground.access_token})
        return worker.claim(worker.create_task(ground.task_id))


def pieces(content: bytes, count: int) -> Iterator[bytes]:
    """Cut some bytes into about so many pieces."""
    size = max(1, len(content) // count)
    return (content[start : start + size] for start in range(0, len(content), size))


def below(folder: Path) -> dict[str, Path]:
    """Return all files below a folder, by their path in it."""
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if not path.is_dir()}

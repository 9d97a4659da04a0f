"""Base class of the kinds of transfers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_taskcluster.emulator.worker import Worker
from chaos.contents import files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_provider_taskcluster.emulator.worker import Run
    from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
    from chaos.emulator_state import EmulatorState
    from chaos.plan import Plan
    from chaos.workspace import Workspace


class Transfer:
    """One transfer. ``prepare`` and ``move`` are called in processes of their own; the other methods change nothing."""

    def __init__(self, plan: Plan, workspace: Workspace) -> None:
        self.plan = plan
        self.workspace = workspace
        self.files = files(plan)

    @property
    def first(self) -> str:
        """Name of the first file."""
        return next(iter(self.files))

    @property
    def content(self) -> bytes:
        """Content of the first file."""
        return self.files[self.first]

    def prepare(self, hook: TaskclusterHook) -> None:
        """Create what the transfer moves."""

    def move(self, hook: TaskclusterHook) -> dict[str, str] | None:
        """Run the transfer; return the sha256 of content that is read without being written to a file, by name."""
        raise NotImplementedError

    def expected_files(self) -> dict[str, bytes]:
        """Return the files that must be below the destination in the end."""
        return {}

    def expected_objects(self) -> dict[str, bytes]:
        """Return the objects or artifacts that must be readable in Taskcluster in the end, by name."""
        return {}

    def stored(self, state: EmulatorState) -> dict[str, bytes | None]:
        """Return the expected objects or artifacts that are readable now; None for one without content."""
        return {}

    def unexpected(self, state: EmulatorState) -> set[str]:
        """Return the names in Taskcluster that should not exist."""
        return set()

    def kept(self, state: EmulatorState) -> int:
        """Return the number of bytes that the next try need not move, by the records of earlier ones."""
        return 0

    def may_be_lost(self, state: EmulatorState) -> bool:
        """Whether no try can succeed any more, in a case that the documentation describes."""
        return False

    def run(self) -> Run:
        """Create and claim the task."""
        workspace = self.workspace
        worker = Worker(workspace.root_url, {"clientId": workspace.client_id, "accessToken": workspace.access_token})
        return worker.claim(worker.create_task(workspace.task_id))


def pieces(content: bytes, count: int) -> Iterator[bytes]:
    """Split bytes into about ``count`` pieces."""
    size = max(1, len(content) // count)
    return (content[start : start + size] for start in range(0, len(content), size))


def below(folder: Path) -> dict[str, Path]:
    """Return all files below a folder, by their path in it."""
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if not path.is_dir()}

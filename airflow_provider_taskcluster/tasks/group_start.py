"""Creates the tasks of a group, or finds those of an earlier try: a retry makes no second task of a label."""

from __future__ import annotations

import itertools
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from airflow_provider_taskcluster.common.messages import visible
from airflow_provider_taskcluster.exceptions import Conflict, NotFound, ServiceError
from airflow_provider_taskcluster.services.task_changes import REFUSED
from airflow_provider_taskcluster.transfer.threads.buffers import Failure
from airflow_provider_taskcluster.transfer.threads.pool import run_jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from airflow_provider_taskcluster.services.schemas import CanceledTaskGroup, Json, TaskGroupInfo, TaskStatus

log = logging.getLogger(__name__)

# Tasks that are created at once; those of one level do not depend on each other.
CONCURRENCY = 8


class GroupQueue(Protocol):
    """The calls of the queue that a start needs; the hook has them."""

    def task_statuses(self, task_ids: Iterable[str]) -> dict[str, TaskStatus]:
        """Return the statuses of the tasks that exist, by id."""

    def create_task(self, task_id: str, definition: Json) -> TaskStatus:
        """Create a task."""

    def rerun_task(self, task_id: str) -> TaskStatus:
        """Add a run to a task."""

    def task_group(self, task_group_id: str) -> TaskGroupInfo:
        """Return a group."""

    def seal_task_group(self, task_group_id: str) -> TaskGroupInfo:
        """Seal a group."""

    def cancel_task_group(self, task_group_id: str) -> CanceledTaskGroup:
        """Seal and cancel a group."""


class _Abandoned(Exception):
    """The group of this attempt cannot be completed, so another one is made."""


@dataclass(frozen=True)
class StartedGroup:
    """A sealed group, and the ids of its tasks by label."""

    task_group_id: str
    task_ids: dict[str, str]


@dataclass(frozen=True)
class GroupStart:
    """Starts the group of an Airflow task, or takes up the one that an earlier try started.

    :param queue: The hook.
    :param levels: The labels; tasks depend only on tasks of earlier levels.
    :param ids: Returns the group of an attempt, by its number.
    :param definition: Returns the definition of the task of a label that is created now.
    :param is_canceled: Tells whether a task was canceled with its group by an earlier try.
    :param is_spent: Tells whether a task has ended so that it is rerun.
    :param cancels: Cancel the tasks of a group that is abandoned.
    :param on_group: Called with the id of a group before a task of it is created or taken up.
    :param check_killed: Called before each creation; what it raises ends the start.
    """

    queue: GroupQueue
    levels: Sequence[Sequence[str]]
    ids: Callable[[int], StartedGroup]
    definition: Callable[[str, StartedGroup], Json]
    is_canceled: Callable[[TaskStatus], bool]
    is_spent: Callable[[TaskStatus], bool]
    cancels: bool
    on_group: Callable[[str], None]
    check_killed: Callable[[], None]

    def start(self) -> StartedGroup:
        """Return the group to follow.

        :raises InsufficientScopes: The statuses may not be read, so nobody knows which tasks exist.
        """
        for attempt in itertools.count():
            group = self.ids(attempt)
            self.on_group(group.task_group_id)
            found = self.queue.task_statuses(group.task_ids.values())
            if any(map(self.is_canceled, found.values())):
                log.info("Task group %r of an earlier try was canceled", group.task_group_id)
                continue
            try:
                self._complete(group, found)
            except _Abandoned as reason:
                log.warning("Another group replaces task group %r: %s", group.task_group_id, visible(reason))
                if self.cancels:
                    self.queue.cancel_task_group(group.task_group_id)
                continue
            return group
        raise AssertionError  # pragma: no cover (count() does not end)

    def _complete(self, group: StartedGroup, found: Mapping[str, TaskStatus]) -> None:
        """Create the tasks that are missing, seal the group, and rerun tasks that are spent."""
        missing = {label for label, task_id in group.task_ids.items() if task_id not in found}
        for level in self.levels:
            new = [label for label in level if label in missing]
            run_jobs(new, lambda label: self._create(label, group), Failure(), min(CONCURRENCY, len(new)))
        self.check_killed()
        self.queue.seal_task_group(group.task_group_id)
        log.info("Task group %r is sealed; tasks: %r", group.task_group_id, len(group.task_ids))
        labels = {task_id: label for label, task_id in group.task_ids.items()}
        for task_id, status in found.items():
            if self.is_spent(status):
                self._rerun(labels[task_id], status)

    def _create(self, label: str, group: StartedGroup) -> None:
        self.check_killed()
        task_id = group.task_ids[label]
        try:
            self.queue.create_task(task_id, self.definition(label, group))
        except ServiceError as error:
            if error.status not in REFUSED:
                raise
            if self.queue.task_statuses([task_id]):
                return  # another try created it, with other dates or fields
            if self._is_sealed(group.task_group_id):
                raise _Abandoned(f"it is sealed, and has no task {visible(label)!r}") from None
            raise

    def _is_sealed(self, task_group_id: str) -> bool:
        try:
            return "sealed" in self.queue.task_group(task_group_id)
        except NotFound:
            return False

    def _rerun(self, label: str, ended: TaskStatus) -> None:
        """Rerun a task, which releases those that it blocks. One that never ran would not wait for its dependencies."""
        task_id = ended["taskId"]
        if ended["runs"][-1].get("reasonCreated") == "exception":
            raise _Abandoned(f"its task {visible(label)!r} was ended before it was scheduled")
        try:
            status = self.queue.rerun_task(task_id)
        except Conflict as error:
            raise _Abandoned(f"its task {visible(label)!r} cannot be rerun: {visible(error)}") from None
        log.info("Reran task %r, %r: run %r", label, task_id, len(status["runs"]) - 1)

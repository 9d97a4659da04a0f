"""Finds the task of an earlier try, or creates it: a retry makes no second task."""

from __future__ import annotations

import itertools
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from airflow_provider_taskcluster.common.messages import visible
from airflow_provider_taskcluster.exceptions import Conflict, NotFound, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_taskcluster.services.schemas import Json, TaskStatus

log = logging.getLogger(__name__)

# createTask answers with these also where the task is there (see ``services/task_changes.py``).
_REFUSED = {400, 409}


class TaskQueue(Protocol):
    """The calls of the queue that a start needs; the hook has them."""

    def task_status(self, task_id: str) -> TaskStatus:
        """Return the status of a task."""

    def create_task(self, task_id: str, definition: Json) -> TaskStatus:
        """Create a task."""

    def rerun_task(self, task_id: str) -> TaskStatus:
        """Add a run to a task."""


@dataclass(frozen=True)
class TaskStart:
    """Starts the task of an Airflow task, or takes up the one that an earlier try started.

    :param queue: The hook.
    :param task_id: Returns the id of an attempt, by its number.
    :param definition: Returns the definition of the task that is created now.
    :param is_spent: Tells whether a task that was found has ended so that a new attempt is due.
    :param rerun: Rerun such a task in place of creating another one.
    :param on_task: Called with the id of a task before it is created, rerun or taken up.
    """

    queue: TaskQueue
    task_id: Callable[[int], str]
    definition: Callable[[], Json]
    is_spent: Callable[[TaskStatus], bool]
    rerun: bool
    on_task: Callable[[str], None]

    def start(self) -> TaskStatus:
        """Return the status of the task to follow.

        :raises InsufficientScopes: The status of the task may not be read, so nobody knows whether it exists.
        """
        for attempt in itertools.count():
            task_id = self.task_id(attempt)
            self.on_task(task_id)
            status = self._found(task_id)
            if status is None:
                return self._created(task_id)
            if not self.is_spent(status):
                log.info("Taking up task %r of an earlier try, which is %s", task_id, visible(status["state"]))
                return status
            log.info("Task %r of an earlier try ended as %s", task_id, visible(status["state"]))
            if self.rerun and (rerun := self._rerun(task_id)):
                return rerun
        raise AssertionError  # pragma: no cover (count() does not end)

    def _found(self, task_id: str) -> TaskStatus | None:
        try:
            return self.queue.task_status(task_id)
        except NotFound:
            return None

    def _created(self, task_id: str) -> TaskStatus:
        try:
            status = self.queue.create_task(task_id, self.definition())
        except ServiceError as error:
            found = self._found(task_id) if error.status in _REFUSED else None
            if found is None:
                raise
            log.warning("Taking up task %r, which another try created with other dates or fields", task_id)
            return found
        log.info("Created task %r", task_id)
        return status

    def _rerun(self, task_id: str) -> TaskStatus | None:
        """Rerun a task; None if the queue takes no more runs of it."""
        try:
            status = self.queue.rerun_task(task_id)
        except Conflict as error:
            log.warning("Task %r cannot be rerun, so a new one is created: %s", task_id, visible(error))
            return None
        log.info("Reran task %r: run %r", task_id, len(status["runs"]) - 1)
        return status

"""Finds the task of an earlier try, or creates it: a retry makes no second task."""

from __future__ import annotations

import itertools
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from airflow_provider_taskcluster.common.messages import visible
from airflow_provider_taskcluster.exceptions import Conflict, NotFound, ServiceError
from airflow_provider_taskcluster.services.task_changes import REFUSED

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_taskcluster.services.schemas import Json, TaskStatus

log = logging.getLogger(__name__)

# Ids that cannot be used, after which the error of the service is raised.
_MOST_UNUSABLE = 100


class TaskQueue(Protocol):
    """The calls of the queue that a start needs; the hook has them."""

    def task_status(self, task_id: str) -> TaskStatus:
        """Return the status of a task."""

    def create_task(self, task_id: str, definition: Json) -> TaskStatus:
        """Create a task."""

    def rerun_task(self, task_id: str) -> TaskStatus:
        """Add a run to a task."""


class UnusableId(Exception):
    """No task can be created with this id any more, and none has it: the next one is to be taken.

    :param error: What the service said.
    """

    def __init__(self, error: ServiceError) -> None:
        super().__init__(error)
        self.error = error


@dataclass(frozen=True)
class TaskStart:
    """Starts the task of an Airflow task, or takes up the one that an earlier try started.

    :param queue: The hook.
    :param task_id: Returns the id of an attempt, by its number.
    :param find: Returns the status of the task with an id; None if there is none.
    :param create: Creates the task with an id, or finds that it was created meanwhile; None if there is nothing to run.
        It may raise ``UnusableId``.
    :param is_spent: Tells whether a task that was found has ended so that a new attempt is due.
    :param rerun: Rerun such a task in place of creating another one.
    :param on_task: Called with the id of a task before it is created, rerun or taken up.
    :param gaps: How many ids in a row may have no task although a later one has.
    """

    queue: TaskQueue
    task_id: Callable[[int], str]
    find: Callable[[str], TaskStatus | None]
    create: Callable[[str], TaskStatus | None]
    is_spent: Callable[[TaskStatus], bool]
    rerun: bool
    on_task: Callable[[str], None]
    gaps: int = 0

    def start(self) -> TaskStatus | None:
        """Return the status of the task to follow; None if there is nothing to run.

        :raises InsufficientScopes: The status of the task may not be read, so nobody knows whether it exists.
        """
        for attempt in itertools.count():
            task_id = self.task_id(attempt)
            self.on_task(task_id)
            status = self.find(task_id)
            if status is None:
                if self._has_later(attempt):
                    continue
                try:
                    return self.create(task_id)
                except UnusableId as unusable:
                    if attempt >= _MOST_UNUSABLE:
                        raise unusable.error from None
                    continue
            found = status["taskId"]
            self.on_task(found)
            if not self.is_spent(status):
                log.info("Taking up task %r of an earlier try, which is %s", found, visible(status["state"]))
                return status
            log.info("Task %r of an earlier try ended as %s", found, visible(status["state"]))
            if self.rerun and (rerun := self._rerun(found)):
                return rerun
        raise AssertionError  # pragma: no cover (count() does not end)

    def _has_later(self, attempt: int) -> bool:
        return any(self.find(self.task_id(attempt + 1 + further)) for further in range(self.gaps))

    def _rerun(self, task_id: str) -> TaskStatus | None:
        """Rerun a task; None if the queue takes no more runs of it."""
        try:
            status = self.queue.rerun_task(task_id)
        except Conflict as error:
            log.warning("Task %r cannot be rerun, so a new one is created: %s", task_id, visible(error))
            return None
        log.info("Reran task %r: run %r", task_id, len(status["runs"]) - 1)
        return status


def find_by_id(queue: TaskQueue, task_id: str) -> TaskStatus | None:
    """Return the status of a task; None if there is none."""
    try:
        return queue.task_status(task_id)
    except NotFound:
        return None


def create_or_find(queue: TaskQueue, task_id: str, definition: Json) -> TaskStatus:
    """Create a task; return the status of one that another try created meanwhile.

    :raises ServiceError: The queue refuses it, and there is none.
    """
    try:
        status = queue.create_task(task_id, definition)
    except ServiceError as error:
        found = find_by_id(queue, task_id) if error.status in REFUSED else None
        if found is None:
            raise
        log.warning("Taking up task %r, which another try created with other dates or fields", task_id)
        return found
    log.info("Created task %r", task_id)
    return status

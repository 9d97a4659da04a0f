"""Unscheduled tasks that will not be scheduled, because a task that they depend on did not complete. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_taskcluster.waits.conditions.status import is_resolved
from airflow_provider_taskcluster.waits.questions import DependencyStatus, RequirementsOf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_taskcluster.services.schemas import TaskStatus
    from airflow_provider_taskcluster.waits.protocol import Steps

# By task, the tasks that must complete first and have not; what one look leaves for the next.
Requirements = dict[str, list[str]]
# How many dependencies of one wait are followed.
MOST_FOLLOWED = 1000


def blockers(task_ids: Sequence[str], memory: Requirements | None) -> Steps[tuple[dict[str, TaskStatus], Requirements]]:
    """Find what blocks unscheduled tasks, through unscheduled tasks in between.

    The queue tells nobody: such a task stays unscheduled until its deadline. Each definition is read once. Nothing is
    found where the scopes do not allow to look, nor beyond ``MOST_FOLLOWED`` dependencies.

    :param task_ids: Unscheduled tasks.
    :return: For each that is blocked the failed task, and the memory for the next look.
    """
    known = dict(memory or {})
    waiting: Requirements = {}
    statuses: dict[str, TaskStatus] = {}
    level = list(task_ids)
    while level:
        if new := [task_id for task_id in level if task_id not in known]:
            answers = yield [RequirementsOf(task_id) for task_id in new]
            known |= {task_id: answers[RequirementsOf(task_id)] or [] for task_id in new}
        required = dict.fromkeys(name for task_id in level for name in known[task_id] if name not in statuses)
        asked = list(required)[: MOST_FOLLOWED - len(statuses)]
        if asked:
            answers = yield [DependencyStatus(task_id) for task_id in asked]
            found = {task_id: answers[DependencyStatus(task_id)] for task_id in asked}
            statuses |= {task_id: status for task_id, status in found.items() if status is not None}
        for task_id in level:
            waiting[task_id] = [name for name in known[task_id] if name in statuses and not _was_met(statuses[name])]
        level = [name for name in asked if name not in waiting and _is_unscheduled(statuses.get(name))]
    blocking = {task_id: _failed_behind(task_id, waiting, statuses) for task_id in task_ids}
    return {task_id: status for task_id, status in blocking.items() if status is not None}, waiting


def _failed_behind(task_id: str, waiting: Requirements, statuses: dict[str, TaskStatus]) -> TaskStatus | None:
    """Return the first task that failed among those that a task waits for."""
    seen, left = {task_id}, list(waiting[task_id])
    while left:
        name = left.pop()
        if is_resolved(statuses[name]):
            return statuses[name]
        if name not in seen:
            seen.add(name)
            left += waiting.get(name, [])
    return None


def _was_met(status: TaskStatus) -> bool:
    """Tell whether a task has completed: that is enough, even if it was rerun later."""
    return any(run["state"] == "completed" for run in status["runs"])


def _is_unscheduled(status: TaskStatus | None) -> bool:
    return status is not None and status["state"] == "unscheduled"

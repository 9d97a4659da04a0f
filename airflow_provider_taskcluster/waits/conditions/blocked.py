"""Unscheduled tasks that will not be scheduled, because a task that they depend on did not complete. Pure."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.waits.conditions.status import is_resolved, resolution
from airflow_provider_taskcluster.waits.questions import DependencyStatus, RequirementsOf

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow_provider_taskcluster.services.schemas import TaskStatus
    from airflow_provider_taskcluster.waits.protocol import Steps

# By task, the tasks that must complete first and have not; what one look leaves for the next.
Requirements = dict[str, list[str]]
# How many dependencies of one wait are asked for.
MOST_FOLLOWED = 1000


def blockers(
    task_ids: Sequence[str], memory: Requirements | None, read: Iterable[TaskStatus] = ()
) -> Steps[tuple[dict[str, TaskStatus], Requirements]]:
    """Find what blocks unscheduled tasks, through unscheduled tasks in between.

    The queue tells nobody: such a task stays unscheduled until its deadline. Each definition is read once. Nothing is
    found where the scopes do not allow to look, nor beyond ``MOST_FOLLOWED`` dependencies.

    :param task_ids: Unscheduled tasks.
    :param read: Statuses that this look has read already; it does not ask for them again.
    :return: For each that is blocked the failed task, and the memory for the next look.
    """
    known = dict(memory or {})
    waiting: Requirements = {}
    statuses = {status["taskId"]: status for status in read}
    left = MOST_FOLLOWED
    level = list(task_ids)
    while level:
        if new := [task_id for task_id in level if task_id not in known]:
            answers = yield [RequirementsOf(task_id) for task_id in new]
            known |= {task_id: answers[RequirementsOf(task_id)] or [] for task_id in new}
        required = dict.fromkeys(name for task_id in level for name in known[task_id])
        if asked := [name for name in required if name not in statuses][:left]:
            left -= len(asked)
            answers = yield [DependencyStatus(task_id) for task_id in asked]
            found = {task_id: answers[DependencyStatus(task_id)] for task_id in asked}
            statuses |= {task_id: status for task_id, status in found.items() if status is not None}
        for task_id in level:
            waiting[task_id] = [name for name in known[task_id] if name in statuses and not _was_met(statuses[name])]
        level = [name for name in required if name not in waiting and _is_unscheduled(statuses.get(name))]
    blocked = _all_blocked(waiting, statuses)
    return {task_id: blocked[task_id] for task_id in task_ids if task_id in blocked}, waiting


def blocked_by(failed: TaskStatus, root_url: str) -> str:
    """Say by which task another one is blocked, and how that task ended."""
    return f"it is blocked by task {failed['taskId']}, of which {resolution(failed, None, root_url)}"


def _all_blocked(waiting: Requirements, statuses: dict[str, TaskStatus]) -> dict[str, TaskStatus]:
    """Return all blocked tasks, each with a task that failed, among those that it waits for or behind them."""
    dependents = defaultdict(list)
    for task_id, names in waiting.items():
        for name in names:
            dependents[name].append(task_id)
    blocked: dict[str, TaskStatus] = {}
    reached = [(name, statuses[name]) for name in dependents if is_resolved(statuses[name])]
    for name, failed in reached:  # grows meanwhile
        new = [task_id for task_id in dependents.get(name, []) if task_id not in blocked]
        blocked |= dict.fromkeys(new, failed)
        reached += [(task_id, failed) for task_id in new]
    return blocked


def _was_met(status: TaskStatus) -> bool:
    """Tell whether a task has completed: that is enough, even if it was rerun later."""
    return any(run["state"] == "completed" for run in status["runs"])


def _is_unscheduled(status: TaskStatus | None) -> bool:
    return status is not None and status["state"] == "unscheduled"

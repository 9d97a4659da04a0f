"""The wait for tasks to reach a state. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.exceptions import WillNotCome
from airflow_provider_taskcluster.waits.conditions.blocked import blocked_by, blockers
from airflow_provider_taskcluster.waits.conditions.status import (
    has_reached,
    is_over,
    is_resolved,
    no_such_task,
    reached_task,
    resolution,
)
from airflow_provider_taskcluster.waits.protocol import Found, NotYet, Over
from airflow_provider_taskcluster.waits.questions import GroupOf, StatusOf

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_taskcluster.services.schemas import ListedTask, TaskStatus
    from airflow_provider_taskcluster.waits.conditions.blocked import Requirements
    from airflow_provider_taskcluster.waits.protocol import LookSteps, Steps
    from airflow_provider_taskcluster.waits.results import ResolvedTaskGroup


@dataclass(frozen=True, kw_only=True)
class TaskWait:
    """Tasks reach a state. Found: ``tasks``, a list of :class:`ReachedTask`.

    :param task_ids: One or more.
    :param states: States to wait for; a task that is past ``unscheduled``, ``pending`` or ``running`` has reached it.
    :param require: ``all`` of the tasks, or ``any`` one.
    :param wait_for_rerun: Keep waiting when a task is resolved in another state: it will be rerun.
    """

    task_ids: list[str]
    states: list[str]
    require: str = "all"
    wait_for_rerun: bool = False

    service = "queue"

    def talk(self, root_url: str, memory: Requirements | None) -> LookSteps:
        """Look once. Scope ``queue:status:<taskId>``.

        With ``queue:get-task:<taskId>``, and ``queue:status:<taskId>`` of its dependencies, a blocked task is noticed.

        :param memory: Which tasks the unscheduled ones wait for.
        """
        answers = yield [StatusOf(task_id) for task_id in self.task_ids]
        statuses: list[TaskStatus] = []
        for task_id in self.task_ids:
            status = answers[StatusOf(task_id)]
            if status is None:
                return Over(no_such_task(task_id))
            statuses.append(status)
        reached = [status for status in statuses if has_reached(status, self.states)]
        if len(reached) == len(statuses) or (reached and self.require == "any"):
            return Found({"tasks": [reached_task(status) for status in reached]})
        others = [status for status in statuses if not has_reached(status, self.states)]
        over = [status for status in others if is_over(status, None, wait_for_rerun=self.wait_for_rerun)]
        if len(over) == len(statuses) or (over and self.require == "all"):
            return Over(_missed(over, self.states, root_url))
        unscheduled = [status["taskId"] for status in others if status["state"] == "unscheduled"]
        lost_if_blocked = blocked_is_lost(self)
        blocked, memory = (yield from blockers(unscheduled, memory, statuses)) if lost_if_blocked else ({}, None)
        lost = len(over) + len(blocked)
        if blocked and (lost == len(statuses) or self.require == "all"):
            return Over(_blocked(blocked, self.states, root_url))
        return NotYet(f"{len(others)} of {len(statuses)} tasks are not {' or '.join(self.states)}", memory or None)


@dataclass(frozen=True, kw_only=True)
class TaskGroupWait:
    """All tasks of a group are resolved. Found: ``task_group_id``, ``count``, and ``states`` with a count of each.

    The list of a group is large, since it holds the definitions of the tasks. It is read only at first, and when all
    tasks on it are resolved, since tasks may have been added; in between, the statuses of its tasks are enough.

    :param task_group_id: The group.
    :param states: Resolutions that are accepted; another one ends the wait.
    :param wait_for_rerun: Keep waiting when a task is resolved in another state: it will be rerun.
    """

    task_group_id: str
    states: list[str]
    wait_for_rerun: bool = False

    service = "queue"

    def talk(self, root_url: str, memory: Mapping[str, list[str] | None] | None) -> LookSteps:
        """Look once. Scopes ``queue:list-task-group:<taskGroupId>``, ``queue:status:<taskId>`` of its tasks.

        With ``queue:status:<taskId>`` of tasks in other groups, those of this group that they block are noticed.

        :param memory: The tasks that were unresolved at the last look, with what the unscheduled ones wait for.
        """
        if memory:
            answers = yield [StatusOf(task_id) for task_id in memory]
            known = [status for task_id in memory if (status := answers[StatusOf(task_id)]) is not None]
            waiting = {task_id: required for task_id, required in memory.items() if required is not None}
            if (verdict := (yield from self._verdict(known, waiting, root_url))) is not None:
                return verdict
        group = GroupOf(self.task_group_id)
        statuses: list[ListedTask] | None = (yield [group])[group]
        if statuses is None:
            message = f"There is no task group {self.task_group_id}, or it has expired: check the ID"
            return Over(WillNotCome(message))
        waiting = {status["taskId"]: status["required"] for status in statuses if "required" in status}
        if (verdict := (yield from self._verdict(statuses, waiting, root_url))) is not None:
            return verdict
        states = dict(Counter(status["state"] for status in statuses))
        result: ResolvedTaskGroup = {"task_group_id": self.task_group_id, "count": len(statuses), "states": states}
        return Found({**result})

    def _verdict(
        self, statuses: Sequence[TaskStatus], waiting: Requirements, root_url: str
    ) -> Steps[Over | NotYet | None]:
        """Return the verdict for these tasks; None if all are resolved in an accepted state."""
        wrong = [status for status in statuses if is_resolved(status) and status["state"] not in self.states]
        if wrong and not self.wait_for_rerun:
            return Over(_missed(wrong, self.states, root_url))
        pending = [status["taskId"] for status in statuses if status["state"] not in self.states]
        if not pending:
            return None
        unscheduled = [status["taskId"] for status in statuses if status["state"] == "unscheduled"]
        lost_if_blocked = blocked_is_lost(self)
        blocked, waiting = (yield from blockers(unscheduled, waiting, statuses)) if lost_if_blocked else ({}, {})
        if blocked:
            return Over(_blocked(blocked, self.states, root_url))
        memory = {task_id: waiting.get(task_id) for task_id in pending}
        return NotYet(f"{len(pending)} tasks of group {self.task_group_id} are not resolved", memory)


def blocked_is_lost(wait: TaskWait | TaskGroupWait) -> bool:
    """Tell whether a blocked task is missed: it ends as an exception, unless the task that blocks it is rerun."""
    return "exception" not in wait.states and not wait.wait_for_rerun


def _blocked(blocked: dict[str, TaskStatus], states: list[str], root_url: str) -> WillNotCome:
    return _will_not_reach(list(blocked), states, blocked_by(next(iter(blocked.values())), root_url))


def _missed(statuses: list[TaskStatus], states: list[str], root_url: str) -> WillNotCome:
    return _will_not_reach([status["taskId"] for status in statuses], states, resolution(statuses[0], None, root_url))


def _will_not_reach(task_ids: list[str], states: list[str], cause: str) -> WillNotCome:
    """Return the error for tasks that cannot reach a state.

    :param cause: Why the first one cannot.
    """
    more = f" (and {len(task_ids) - 1} more)" if len(task_ids) > 1 else ""
    return WillNotCome(f"Task {task_ids[0]}{more} is not {' or '.join(states)} and will not be: {cause}")

"""The wait for the ends of the tasks of a group that a DAG has created and sealed. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, NotRequired, TypedDict
from urllib.parse import quote

from airflow_provider_taskcluster.common.messages import visible
from airflow_provider_taskcluster.exceptions import WillNotCome
from airflow_provider_taskcluster.waits.conditions.blocked import blocked_by, blockers
from airflow_provider_taskcluster.waits.conditions.status import is_resolved, no_such_task, resolution
from airflow_provider_taskcluster.waits.protocol import Found, NotYet, Over
from airflow_provider_taskcluster.waits.questions import GroupOf, StatusOf

if TYPE_CHECKING:
    from airflow_provider_taskcluster.services.schemas import ListedTask, TaskStatus
    from airflow_provider_taskcluster.waits.protocol import LookSteps, Steps, Verdict

COMPLETED = "completed"
# Tasks that did not complete, in one error.
MOST_NAMED = 5


class OpenTask(TypedDict):
    """What one look leaves for the next of a task that has not completed.

    ``required`` is what an unscheduled task waits for; ``ended`` tells that the log has its end.
    """

    label: str
    ended: bool
    required: NotRequired[list[str]]


class _Memory(TypedDict):
    count: int
    tasks: dict[str, OpenTask]


@dataclass(frozen=True, kw_only=True)
class GroupRunWait:
    """All tasks of a sealed group complete. Found: ``task_group_id``.

    The wait is over when one of them ends otherwise, or is blocked behind such a task.

    :param task_group_id: The group. Its list is read once; the pages of a group that is not sealed may lack some tasks.
    :param fail_fast: False waits on until all other tasks have ended, but for those that are blocked.
    """

    task_group_id: str
    fail_fast: bool = True

    service = "queue"

    def talk(self, root_url: str, memory: _Memory | None) -> LookSteps:
        """Look once. Scopes ``queue:list-task-group:<taskGroupId>``, ``queue:status:<taskId>`` of its tasks.

        With ``queue:status:<taskId>`` of tasks in other groups, those of this group that they block are noticed.
        """
        found = (yield from self._listed()) if memory is None else (yield from _looked_up(memory["tasks"]))
        if isinstance(found, Over):
            return found
        count, before = (len(found), {}) if memory is None else (memory["count"], memory["tasks"])
        tasks = _open_tasks(found, before)
        news = _news(found, tasks, before, root_url)
        if not tasks:
            return Found({"task_group_id": self.task_group_id}, news)
        failed = [status for status in found if is_resolved(status) and status["taskId"] in tasks]
        waiting = {task_id: task["required"] for task_id, task in tasks.items() if "required" in task}
        blocked, waiting = yield from blockers(list(waiting), waiting, found)
        lost = len(failed) + len(blocked)
        if lost == len(tasks) or (lost and self.fail_fast):
            nearest = sorted(blocked, key=lambda task_id: blocked[task_id]["taskId"] not in waiting[task_id])
            blocked = {task_id: blocked[task_id] for task_id in nearest}
            return Over(self._error(failed, blocked, tasks, count, root_url), news)
        for task_id, required in waiting.items():
            if task_id in tasks:
                tasks[task_id]["required"] = required
        return self._not_yet(found, {"count": count, "tasks": tasks}, news)

    def _listed(self) -> Steps[list[ListedTask] | Over]:
        group = GroupOf(self.task_group_id)
        statuses: list[ListedTask] | None = (yield [group])[group]
        if statuses is None:
            return Over(WillNotCome(f"There is no task group {self.task_group_id}, or it has expired"))
        return statuses

    def _not_yet(self, found: list[ListedTask], memory: _Memory, news: list[str]) -> Verdict:
        states = Counter(status["state"] for status in found if status["state"] != COMPLETED)
        counts = ", ".join(f"{count} {visible(state)}" for state, count in states.items())
        count, left = memory["count"], len(memory["tasks"])
        why = f"{left} of {count} tasks of group {self.task_group_id} have not completed: {counts}"
        return NotYet(why, memory, news=news)

    def _error(
        self,
        failed: list[ListedTask],
        blocked: dict[str, TaskStatus],
        tasks: dict[str, OpenTask],
        count: int,
        root_url: str,
    ) -> WillNotCome:
        """Return the error that names the first tasks that did not complete, with links to their logs."""
        causes = [
            f"{_name(one['taskId'], tasks[one['taskId']]['label'])}: {resolution(one, None, root_url)}"
            for one in islice(failed, MOST_NAMED)
        ]
        if len(failed) > MOST_NAMED:
            causes.append(f"{len(failed) - MOST_NAMED} more")
        if not failed:
            task_id, cause = next(iter(blocked.items()))
            causes.append(f"{_name(task_id, tasks[task_id]['label'])} will not run: {blocked_by(cause, root_url)}")
        if blocked:
            causes.append(f"tasks that are blocked and will not run: {len(blocked)}")
        lost = len(failed) + len(blocked)
        page = f"{root_url}/tasks/groups/{quote(self.task_group_id)}"
        return WillNotCome(f"{lost} of {count} tasks of group {page} did not complete. {'; '.join(causes)}")


def _looked_up(tasks: dict[str, OpenTask]) -> Steps[list[ListedTask] | Over]:
    """Return the statuses of the tasks that had not completed at the last look."""
    answers = yield [StatusOf(task_id) for task_id in tasks]
    if missing := next((task_id for task_id in tasks if answers[StatusOf(task_id)] is None), None):
        return Over(no_such_task(missing))
    return [answers[StatusOf(task_id)] for task_id in tasks]


def _open_tasks(found: list[ListedTask], before: dict[str, OpenTask]) -> dict[str, OpenTask]:
    """Return the tasks that have not completed, as the next look needs them."""
    tasks: dict[str, OpenTask] = {}
    for status in found:
        task_id = status["taskId"]
        if status["state"] == COMPLETED:
            continue
        known = before.get(task_id)
        tasks[task_id] = {"label": status.get("label", task_id), "ended": False} if known is None else {**known}
        if status["state"] != "unscheduled":
            tasks[task_id].pop("required", None)
        elif known is None:
            tasks[task_id]["required"] = status.get("required", [])
    return tasks


def _news(found: list[ListedTask], tasks: dict[str, OpenTask], before: dict[str, OpenTask], root_url: str) -> list[str]:
    """Return a line for each task that has ended since the last look, and note that; a rerun has another end."""
    lines = []
    for status in sorted(found, key=lambda status: status["runs"][-1].get("resolved", "") if status["runs"] else ""):
        task_id, ended = status["taskId"], is_resolved(status)
        known = before.get(task_id)
        if ended and not (known and known["ended"]):
            label = known["label"] if known else status.get("label", task_id)
            lines.append(f"{_name(task_id, label)}: {resolution(status, None, root_url)}")
        if task_id in tasks:
            tasks[task_id]["ended"] = ended
    return lines


def _name(task_id: str, label: str) -> str:
    return f"Task {visible(label)!r} ({task_id})"

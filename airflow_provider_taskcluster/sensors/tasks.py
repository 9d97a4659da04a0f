"""Sensors that wait for tasks and task groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from airflow_provider_taskcluster.common import names
from airflow_provider_taskcluster.common.arguments import choice, flag, is_single, name_list, text
from airflow_provider_taskcluster.common.checks import one_of
from airflow_provider_taskcluster.common.messages import one_line
from airflow_provider_taskcluster.common.task_states import RESOLVED, STATES
from airflow_provider_taskcluster.links.taskcluster import TaskclusterTaskGroupLink, TaskclusterTaskLink
from airflow_provider_taskcluster.sensors.base import REQUIRE, TaskclusterBaseSensor, count_and_names
from airflow_provider_taskcluster.waits.conditions.tasks import TaskGroupWait, TaskWait
from airflow_provider_taskcluster.waits.results import MAX_IN_XCOM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_taskcluster.waits.protocol import Json
    from airflow_provider_taskcluster.waits.results import ReachedTask, ReachedTasks, ResolvedTaskGroup


class TaskclusterTaskSensor(TaskclusterBaseSensor):
    """Wait until Taskcluster tasks reach a state.

    Fails at once if a task is resolved in another state, or does not exist. The sensor waits through the queue's
    automatic retries. Scope ``queue:status:<taskId>``. With ``queue:get-task:<taskId>``, and ``queue:status:<taskId>``
    of its dependencies, it also fails at once if a task is blocked: unscheduled behind one that did not complete.

    :param taskcluster_task_id: Id of the Taskcluster task, or a list of ids (templated); ``task_id`` is Airflow's.
    :param states: State to wait for, or a list of them: ``completed`` by default; ``failed``, ``exception``,
        ``running``, ``pending``, ``unscheduled``. The last three are also reached by a task that has
        passed them.
    :param require: ``all`` of the tasks, or ``any`` one.
    :param wait_for_rerun: Wait on if a task is resolved in another state: for a task that will be rerun.
    :return: task_id, state, run_id and reason_resolved of the task; for a list ``count`` and ``tasks``, the
        first 100 of them.
    """

    template_fields: Sequence[str] = ("taskcluster_task_id", "taskcluster_conn_id")
    ui_color = "#ece3f7"
    operator_extra_links = (TaskclusterTaskLink(),)
    checks: ClassVar = {
        "states": lambda value, what: states_in(value, what, STATES),
        "require": one_of(REQUIRE),
        "wait_for_rerun": flag,
    }

    def __init__(
        self,
        *,
        taskcluster_task_id: str | Sequence[str],
        states: str | Sequence[str] = "completed",
        require: str = "all",
        wait_for_rerun: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.taskcluster_task_id = taskcluster_task_id
        self.states = states
        self.require = require
        self.wait_for_rerun = wait_for_rerun
        self.check_arguments()

    def wait(self) -> TaskWait:
        """Return the wait that the arguments describe."""
        task_ids = name_list(self.taskcluster_task_id, "taskcluster_task_id")
        return TaskWait(
            task_ids=[names.task_id(task_id) for task_id in task_ids],
            states=states_in(self.states, "states", STATES),
            require=choice(self.require, "require", REQUIRE),
            wait_for_rerun=self.wait_for_rerun,
        )

    def summary(self, result: Json) -> str:
        """Return the tasks and their states."""
        return count_and_names(
            "task", [f"{one_line(status['task_id'])} is {one_line(status['state'])}" for status in result["tasks"]]
        )

    def xcom_value(self, result: Json) -> ReachedTask | ReachedTasks:
        """Return the task for a single id, else the list."""
        tasks: list[ReachedTask] = result["tasks"]
        if is_single(self.taskcluster_task_id, self.wait().task_ids):
            return tasks[0]
        return {"count": len(tasks), "tasks": tasks[:MAX_IN_XCOM]}


class TaskclusterTaskGroupSensor(TaskclusterBaseSensor):
    """Wait until all tasks of a Taskcluster task group are resolved.

    Scopes ``queue:list-task-group:<taskGroupId>``, and ``queue:status:<taskId>`` of its tasks.

    :param task_group_id: Id of the group (templated).
    :param states: Resolved states to accept; by default all, ``completed``, ``failed`` and ``exception``. The sensor
        fails at once if a task is resolved in another state. Without ``exception`` it also fails at once if a task is
        blocked: unscheduled behind one that did not complete.
    :param wait_for_rerun: Wait on if a task is resolved in another state: for a task that will be rerun.
    :return: task_group_id, count of its tasks, and states: the count of tasks in each state.
    """

    template_fields: Sequence[str] = ("task_group_id", "taskcluster_conn_id")
    ui_color = "#ece3f7"
    operator_extra_links = (TaskclusterTaskGroupLink(),)
    checks: ClassVar = {"states": lambda value, what: states_in(value, what, RESOLVED), "wait_for_rerun": flag}

    def __init__(
        self,
        *,
        task_group_id: str,
        states: str | Sequence[str] = RESOLVED,
        wait_for_rerun: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.task_group_id = task_group_id
        self.states = states
        self.wait_for_rerun = wait_for_rerun
        self.check_arguments()

    def wait(self) -> TaskGroupWait:
        """Return the wait that the arguments describe."""
        return TaskGroupWait(
            task_group_id=names.task_id(text(self.task_group_id, "task_group_id")),
            states=states_in(self.states, "states", RESOLVED),
            wait_for_rerun=self.wait_for_rerun,
        )

    def summary(self, result: Json) -> str:
        """Return the number of tasks in each state."""
        states = ", ".join(f"{count} {one_line(state)}" for state, count in sorted(result["states"].items()))
        return f"all {result['count']!r} tasks of group {result['task_group_id']!r} are resolved: {states}"

    def xcom_value(self, result: Json) -> ResolvedTaskGroup:
        """Return the states of the group's tasks."""
        return cast("ResolvedTaskGroup", result)


def states_in(value: Any, what: str, allowed: Sequence[str]) -> list[str]:
    """Return one state or several as a list.

    :raises InvalidInput: A state is not one of those allowed.
    """
    return [choice(state, what, allowed) for state in name_list(value, what)]

"""Operator that runs a graph of Taskcluster tasks as one task group."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_taskcluster.common.arguments import as_texts, flag
from airflow_provider_taskcluster.common.task_failure import permanent_errors_fail
from airflow_provider_taskcluster.exceptions import NotFound, WaitFailed, WillNotCome
from airflow_provider_taskcluster.links.base import leave_links
from airflow_provider_taskcluster.links.taskcluster import TaskclusterTaskGroupLink
from airflow_provider_taskcluster.operators.canceling import TaskclusterCancelingOperator
from airflow_provider_taskcluster.operators.graph_fields import check_labels, graph_of, read_graph
from airflow_provider_taskcluster.operators.group_definitions import GroupDefinitions
from airflow_provider_taskcluster.operators.origins import origin_and_key
from airflow_provider_taskcluster.tasks.definition import check_lifetime, optional_lifetime
from airflow_provider_taskcluster.tasks.ends import CANCELED, COMPLETED, end_of_task, read_retry_on, unsuccessful
from airflow_provider_taskcluster.waits.conditions.group_runs import GroupRunWait
from airflow_provider_taskcluster.waits.results import RanTaskGroup

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context, ObjectStoragePath

    from airflow_provider_taskcluster.exceptions import TaskclusterError
    from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
    from airflow_provider_taskcluster.tasks.group_start import StartedGroup
    from airflow_provider_taskcluster.waits.results import ReachedTask

log = logging.getLogger(__name__)

# XCom key of the group, for the process that goes on after a deferral, and for other tasks.
FOLLOWED = "taskcluster_group"


class TaskclusterRunTaskGroupOperator(TaskclusterCancelingOperator):
    """Create a graph of Taskcluster tasks as one sealed task group, and follow it until all of them have completed.

    ``tasks`` has a task for each label: its definition, or arguments as of ``TaskclusterRunTaskOperator``. Their
    ``dependencies`` name labels of the graph, or ids of other tasks. Unknown labels and circles are refused before
    anything is sent.

    A retry of the Airflow task takes up the group that an earlier try created, and creates what is missing of it; each
    label has one task, however often the Airflow task is killed. A cleared Airflow task creates a new group. The ids
    are derived as those of ``TaskclusterRunTaskOperator``.

    The Airflow task fails at once when a task of the group does not complete. After the ends in ``retry_on``, Airflow's
    next try reruns the tasks that ended so, which releases those behind them. Scopes as ``hook.create_task``,
    ``queue:status:<taskId>``, ``queue:list-task-group:<taskGroupId>``,
    ``queue:seal-task-group:<schedulerId>/<taskGroupId>``, ``queue:cancel-task-group:<schedulerId>/<taskGroupId>``,
    ``queue:rerun-task:<schedulerId>/<taskGroupId>/<taskId>``.

    :param tasks: By label, what is run (templated). ``payload`` or ``payload_file`` is needed. Also ``dependencies``
        (labels or ids), and what ``TaskclusterRunTaskOperator`` takes for a task; or the fields of
        ``queue/v1/create-task-request.json``. The label is the tag ``label``, and by default the name.
    :param task_queue_id: Queue of tasks that name none (templated).
    :param scheduler_id: Scheduler of the group (templated), a name for your tasks by which others cannot join it.
    :param project_id: Project of tasks that name none (templated).
    :param priority: Priority of tasks that name none (templated).
    :param deadline: From the creation of a task to its deadline; five days at most.
    :param expires: From the creation of a task to its expiry; a year after the deadline by default.
    :param description: Description of tasks that have none (templated); the DAG run and the Airflow task by default.
    :param source: URL of the source of tasks that name none (templated); the page of the Airflow task by default.
    :param fail_fast: Fail as soon as one task did not complete, and let the others go on. False waits for the others,
        but for those that are blocked.
    :param recorder: Folder, or URL of an ``ObjectStoragePath``, that all tries can reach (templated), for a key of the
        ids.
    :param retry_on: Ends after which Airflow's next try reruns a task; after all others the Airflow task fails at once.
    :return: By label: task_id, run_id, state, reason_resolved.
    """

    template_fields: Sequence[str] = (
        *("tasks", "task_queue_id", "scheduler_id", "project_id", "priority", "description", "source"),
        *("recorder", "taskcluster_conn_id"),
    )
    template_fields_renderers: ClassVar = {"tasks": "json"}
    ui_color = "#f7ead3"
    operator_extra_links = (TaskclusterTaskGroupLink(),)
    json_fields: ClassVar = {"tasks": as_texts}
    checks: ClassVar = {
        "tasks": read_graph,
        "deadline": check_lifetime,
        "expires": optional_lifetime,
        "fail_fast": flag,
    }
    action = "Run of a Taskcluster task group"

    task_group_id: str | None = None
    """Id of the group, once it is known; for the link."""

    _task_ids: Mapping[str, str]

    def __init__(
        self,
        *,
        tasks: Mapping[str, Mapping[str, Any]] | str,
        task_queue_id: str | None = None,
        scheduler_id: str | None = None,
        project_id: str | None = None,
        priority: str | None = None,
        deadline: timedelta = timedelta(days=1),
        expires: timedelta | None = None,
        description: str | None = None,
        source: str | None = None,
        fail_fast: bool = True,
        recorder: str | ObjectStoragePath | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.tasks = tasks
        self.task_queue_id = task_queue_id
        self.scheduler_id = scheduler_id
        self.project_id = project_id
        self.priority = priority
        self.deadline = deadline
        self.expires = expires
        self.description = description
        self.source = source
        self.fail_fast = fail_fast
        self.recorder = recorder
        self.check_arguments()
        check_labels(tasks)

    def execute(self, context: Context) -> RanTaskGroup:
        """Start the group, or take it up, and follow it to its end."""
        with permanent_errors_fail(self.action, self.taskcluster_conn_id):
            self.check_rendered()
            group = self._started(context)
            self._task_ids = group.task_ids
            context["ti"].xcom_push(
                key=FOLLOWED, value={"task_group_id": group.task_group_id, "task_ids": group.task_ids}
            )
            leave_links(self, context)
            wait = GroupRunWait(task_group_id=group.task_group_id, fail_fast=self.fail_fast)
            if self.deferrable:
                self._defer(context, wait)
            try:
                self._worker_wait(wait).without_log()
            except WillNotCome as error:
                raise self.end_of_wait(context, str(error)) from None
            return self.finish(context)

    def _started(self, context: Context) -> StartedGroup:
        """Return the group to follow, whose tasks all exist."""
        from airflow_provider_taskcluster.tasks.group_start import GroupStart, StartedGroup
        from airflow_provider_taskcluster.tasks.task_ids import derived_group_id, derived_label_id

        tasks = read_graph(self.tasks)
        definitions = GroupDefinitions(self, context, tasks)
        definitions.check()
        lifetime = max([self.deadline, *(task.lifetimes.get("deadline", timedelta()) for task in tasks.values())])
        origin, key = origin_and_key(self, context, lifetime)

        def ids(attempt: int) -> StartedGroup:
            group_id = derived_group_id(key, origin, attempt)
            return StartedGroup(group_id, {label: derived_label_id(key, group_id, label) for label in tasks})

        with self._canceled_if_killed():
            return GroupStart(
                self.hook,
                levels=graph_of(tasks).levels(),
                ids=ids,
                definition=lambda label, group: definitions.of(label, group.task_group_id, group.task_ids),
                is_canceled=lambda status: self.when_killed == "cancel" and end_of_task(status) == CANCELED,
                is_spent=lambda status: end_of_task(status) in read_retry_on(self.retry_on),
                cancels=self.when_killed == "cancel",
                on_group=self._note,
                check_killed=self._check_killed,
            ).start()

    def _note(self, task_group_id: str) -> None:
        self.task_group_id = task_group_id

    def _defer(self, context: Context, wait: GroupRunWait) -> None:
        from airflow_provider_taskcluster.triggers.run_trigger import TaskclusterTaskGroupTrigger
        from airflow_provider_taskcluster.waits.serialization import serialize_wait

        trigger = TaskclusterTaskGroupTrigger(wait=serialize_wait(wait), **self._trigger_options(context))
        raise TaskDeferred(trigger=trigger, method_name="execute_complete")

    @property
    def followed(self) -> str | None:
        """See the base class."""
        return None if self.task_group_id is None else f"Task group {self.task_group_id!r}"

    def recall(self, context: Context) -> None:
        """See the base class."""
        followed = self._pulled(context, FOLLOWED)
        if not followed:
            raise WaitFailed("The ids of the tasks are gone from XCom: the next try finds the tasks again")
        self.task_group_id, self._task_ids = followed["task_group_id"], followed["task_ids"]

    def finish(self, context: Context) -> RanTaskGroup:  # noqa: ARG002 (of the base class)
        """Return the run of each label that has completed."""
        self._check_killed()
        statuses = self.hook.task_statuses(self._task_ids.values())
        result: dict[str, ReachedTask] = {}
        for label, task_id in self._task_ids.items():
            runs = statuses[task_id]["runs"] if task_id in statuses else []
            completed = [run for run in runs if run["state"] == COMPLETED]
            if not completed:
                raise WaitFailed(
                    f"Task {label!r} ({task_id}) has not completed, though it had: the next try looks again"
                )
            run = completed[-1]
            result[label] = {
                "task_id": task_id,
                "state": run["state"],
                "run_id": run["runId"],
                "reason_resolved": run.get("reasonResolved"),
            }
        log.info("All %d tasks of group %r completed", len(result), self.task_group_id)
        return RanTaskGroup(result)

    def end_of_wait(self, context: Context, message: str) -> TaskclusterError:
        """Return the error for a group that did not complete; Airflow retries it if all its failures are retried."""
        self._check_killed()
        statuses = self.hook.task_statuses(self._task_ids.values()).values()
        ends = {end for status in statuses if (end := end_of_task(status)) not in {None, COMPLETED}}
        return unsuccessful(message, retried=bool(ends) and ends <= {*self._retried_ends(context)})

    def cancel_followed(self, hook: TaskclusterHook) -> str:
        """See the base class."""
        from airflow_provider_taskcluster.hooks.group_calls import canceled_group

        try:
            return canceled_group(hook.cancel_task_group(str(self.task_group_id)))
        except NotFound:
            return f"Task group {self.task_group_id!r} does not exist: there is nothing to cancel"

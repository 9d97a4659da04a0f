"""Base class of operators that follow a Taskcluster task to its end: on the worker, or in the triggerer."""

from __future__ import annotations

import logging
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_taskcluster.assets.taskcluster import emit
from airflow_provider_taskcluster.assets.uris import artifact_uri
from airflow_provider_taskcluster.common.arguments import is_omitted
from airflow_provider_taskcluster.common.checks import at_least, one_of
from airflow_provider_taskcluster.common.task_failure import permanent_errors_fail
from airflow_provider_taskcluster.exceptions import InvalidInput, WaitFailed
from airflow_provider_taskcluster.links.base import TaskclusterLink, leave_links
from airflow_provider_taskcluster.links.taskcluster import TaskclusterTaskLink
from airflow_provider_taskcluster.operators.canceling import TaskclusterCancelingOperator
from airflow_provider_taskcluster.operators.openlineage import task_facets
from airflow_provider_taskcluster.operators.run_result import RunArtifacts
from airflow_provider_taskcluster.operators.task_output import LEAST_AFTER_FAILURE, TaskOutput
from airflow_provider_taskcluster.tasks.ends import COMPLETED, end_of, not_completed
from airflow_provider_taskcluster.waits.conditions.runs import RunWait, ended_run
from airflow_provider_taskcluster.waits.conditions.status import resolution

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context, ObjectStoragePath

    from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
    from airflow_provider_taskcluster.services.schemas import TaskRun, TaskStatus
    from airflow_provider_taskcluster.tasks.ran_task import RanTask

log = logging.getLogger(__name__)

ShowLog = Literal["live", "tail", "none"]
# XCom key of the task that is followed, for the process that goes on after a deferral, and for other tasks.
FOLLOWED = "taskcluster_run"


class TaskclusterFollowingOperator(TaskclusterCancelingOperator):
    """Base class of operators that start a task and follow it to its end.

    The run that is followed is the latest one when it is taken up, and those by which the queue retries it.

    :param log: Show the task's log ``live`` (its ``tail`` if the operator is deferrable), its ``tail`` when it has
        ended, or ``none``: then the last 50 lines of a run that did not complete.
    :param log_lines: Lines of a tail; None for all, 10 MiB at most.
    :param download: Names or patterns of artifacts to download when the task has completed (templated).
    :param destination: Folder for them (templated): a path, or the URL of an ``ObjectStoragePath``.
    :param result_artifact: Name of a small JSON artifact whose content is returned as ``result`` (templated).
    """

    operator_extra_links: tuple[TaskclusterLink, ...] = (TaskclusterTaskLink(),)
    stored_as: ClassVar[Mapping[str, str]] = {"log": "show_log", "on_kill": "when_killed"}
    checks: ClassVar = {
        "log": one_of(ShowLog),
        "log_lines": lambda value, name: None if value is None else at_least(1)(value, name),
    }
    depends: ClassVar[tuple[str, ...]] = ("download", "destination")
    action = "Run of a Taskcluster task"
    taskcluster_task_id: str | None = None
    """Id of the task, once it is known; for the link."""

    _run_id: int | None = None

    def __init__(
        self,
        *,
        log: ShowLog = "live",
        log_lines: int | None = 200,
        download: str | Sequence[str] | None = None,
        destination: str | ObjectStoragePath | None = None,
        result_artifact: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.show_log = log
        self.log_lines = log_lines
        self.download = download
        self.destination = destination
        self.result_artifact = result_artifact

    @classmethod
    def check_together(cls, task_id: str, **given: Any) -> None:
        """See the base class."""
        if is_omitted(given["destination"]) is not (given["download"] is None):
            raise InvalidInput(f"Task {task_id!r}: download and destination belong together: give both or neither")

    @abstractmethod
    def start(self, context: Context) -> TaskStatus | None:
        """Start the task, or take up that of an earlier try; return its status, whose latest run is followed.

        None says that there is nothing to run, and that this is a success.

        ``self.taskcluster_task_id`` is set before anything is sent, so that a kill finds it.
        """

    def execute(self, context: Context) -> RanTask | None:
        """Start the task, or take it up, and follow it to its end."""
        with permanent_errors_fail(self.action, self.taskcluster_conn_id):
            self.check_rendered()
            with self._canceled_if_killed():
                status = self.start(context)
            if status is None:
                return None
            task_id, run_id = status["taskId"], status["runs"][-1]["runId"] if status["runs"] else None
            context["ti"].xcom_push(key=FOLLOWED, value={"task_id": task_id, "run_id": run_id})
            leave_links(self, context)
            if self.deferrable and ended_run(status, run_id) is None:
                self._defer(context, task_id, run_id)
            was_shown = not self.deferrable and self._wait(task_id, run_id)
            return self._finish(context, task_id, run_id, was_shown=was_shown)

    @property
    def followed(self) -> str | None:
        """See the base class."""
        return None if self.taskcluster_task_id is None else f"Task {self.taskcluster_task_id!r}"

    def recall(self, context: Context) -> None:
        """See the base class."""
        followed = self._pulled(context, FOLLOWED)
        if not followed:
            raise WaitFailed("The id of the task is gone from XCom: the next try finds the task again")
        self.taskcluster_task_id, self._run_id = followed["task_id"], followed["run_id"]

    def finish(self, context: Context) -> RanTask:
        """See the base class."""
        return self._finish(context, str(self.taskcluster_task_id), self._run_id, was_shown=False)

    def cancel_followed(self, hook: TaskclusterHook) -> str:
        """See the base class."""
        from airflow_provider_taskcluster.hooks.task_calls import canceled_task

        return canceled_task(hook.cancel_task(str(self.taskcluster_task_id)))

    def get_openlineage_facets_on_complete(self, _: Any) -> Any:
        """Tell OpenLineage, where its provider is installed, which task was run."""
        from airflow.providers.openlineage.extractors import OperatorLineage

        page = self.addresses.get(TaskclusterTaskLink.key)
        if self.taskcluster_task_id is None or page is None:
            return OperatorLineage()
        return OperatorLineage(run_facets=task_facets(self.taskcluster_task_id, page))

    def _defer(self, context: Context, task_id: str, run_id: int | None) -> None:
        from airflow_provider_taskcluster.triggers.run_trigger import TaskclusterRunTrigger
        from airflow_provider_taskcluster.waits.serialization import serialize_wait

        trigger = TaskclusterRunTrigger(
            wait=serialize_wait(RunWait(task_id=task_id, run_id=run_id)),
            **self._trigger_options(context),
        )
        raise TaskDeferred(trigger=trigger, method_name="execute_complete")

    def _wait(self, task_id: str, run_id: int | None) -> bool:
        """Wait on this worker until the run has ended; return whether its whole log was shown."""
        wait = self._worker_wait(RunWait(task_id=task_id, run_id=run_id))
        if self.show_log == "live":
            return wait.with_log()
        wait.without_log()
        return False

    def _finish(self, context: Context, task_id: str, run_id: int | None, *, was_shown: bool) -> RanTask:
        """Return the result of a run that has completed; raise for another end.

        :param was_shown: Whether its log was.
        :raises Interrupted: The Airflow task was killed: the end of the run may be the cancel of this kill.
        """
        self._check_killed()
        status = self.hook.task_status(task_id)
        run = ended_run(status, run_id)
        if run is None:
            raise WaitFailed(f"Run {run_id} of task {task_id} goes on, though it had ended: the next try takes it up")
        if run is not status["runs"][-1]:
            log.warning("Task %r was rerun by somebody; run %r was followed", task_id, run["runId"])
        if not was_shown:
            self._show_tail(task_id, run)
        message = f"Task {task_id} did not complete: {resolution(status, run['runId'], self.hook.settings.root_url)}"
        if end_of(run) != COMPLETED:
            raise self._failure(context, task_id, run, message)
        return self._result(context, task_id, run)

    def _failure(self, context: Context, task_id: str, run: TaskRun, message: str) -> Exception:  # noqa: ARG002 (of subclasses)
        """Return the error for a run that did not complete."""
        return not_completed(run, message, self._retried_ends(context))

    def _show_tail(self, task_id: str, run: TaskRun) -> None:
        completed = end_of(run) == COMPLETED
        if completed and self.show_log == "none":
            return
        lines = LEAST_AFTER_FAILURE if self.show_log == "none" else self.log_lines
        if lines is not None and not completed:
            lines = max(lines, LEAST_AFTER_FAILURE)
        TaskOutput(self.hook, task_id).tail(run["runId"], lines)

    def _result(self, context: Context, task_id: str, run: TaskRun) -> RanTask:
        artifacts = RunArtifacts(self.hook, task_id, run)
        result = artifacts.summary()
        log.info("Task %r completed: run %r", task_id, run["runId"])
        uri = None
        if self.download is not None:
            result["downloaded"] = artifacts.download(self.download, self.destination)
        if not is_omitted(self.result_artifact):
            result["result"] = artifacts.read_json(self.result_artifact)
            uri = artifact_uri(task_id, str(self.result_artifact), run["runId"])
        emit(self.outlets, context, uri, {name: result[name] for name in ("task_id", "run_id", "state")})
        return result

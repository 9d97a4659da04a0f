"""Base class of operators that follow a Taskcluster task to its end: on the worker, or in the triggerer."""

from __future__ import annotations

import logging
from abc import abstractmethod
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow.providers.common.compat.sdk import AirflowFailException, AirflowTaskTimeout, TaskDeferred, conf

from airflow_provider_taskcluster.assets.taskcluster import emit
from airflow_provider_taskcluster.assets.uris import artifact_uri
from airflow_provider_taskcluster.common.arguments import flag, is_omitted
from airflow_provider_taskcluster.common.checks import at_least, one_of, seconds
from airflow_provider_taskcluster.common.messages import visible
from airflow_provider_taskcluster.common.task_failure import failure_message, permanent_errors_fail
from airflow_provider_taskcluster.exceptions import Interrupted, InvalidInput, TaskclusterError, WaitFailed
from airflow_provider_taskcluster.links.base import TaskclusterLink, leave_links
from airflow_provider_taskcluster.links.taskcluster import TaskclusterTaskLink
from airflow_provider_taskcluster.operators.base import TaskclusterBaseOperator, is_retry
from airflow_provider_taskcluster.operators.openlineage import task_facets
from airflow_provider_taskcluster.operators.run_result import RunArtifacts
from airflow_provider_taskcluster.operators.task_output import LEAST_AFTER_FAILURE, TaskOutput
from airflow_provider_taskcluster.tasks.ends import (
    CANCELED,
    COMPLETED,
    RETRIED_BY_DEFAULT,
    end_of,
    not_completed,
    read_retry_on,
)
from airflow_provider_taskcluster.waits.conditions.runs import RunWait, ended_run
from airflow_provider_taskcluster.waits.conditions.status import resolution

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context, ObjectStoragePath

    from airflow_provider_taskcluster.services.schemas import TaskRun, TaskStatus
    from airflow_provider_taskcluster.tasks.ran_task import RanTask
    from airflow_provider_taskcluster.waits.protocol import Json

log = logging.getLogger(__name__)

ShowLog = Literal["live", "tail", "none"]
OnKill = Literal["cancel", "leave"]
# XCom key of the task that is followed, for the process that goes on after a deferral, and for other tasks.
FOLLOWED = "taskcluster_run"
# Seconds for the request that cancels a task when Airflow ends its own: it is killed soon after.
CANCEL_TIMEOUT = 5
# Airflow's method name for a trigger that ended without an event, and its errors for a trigger that timed out.
FAILED = "__fail__"
TRIGGER_TIMEOUTS = ("Trigger timeout", "Trigger/execution timeout")


class TaskclusterFollowingOperator(TaskclusterBaseOperator):
    """Base class of operators that start a task and follow it to its end.

    The run that is followed is the latest one when it is taken up, and those by which the queue retries it.

    :param retry_on: Ends after which Airflow's next try starts a new attempt; after all others the Airflow task fails
        at once.
    :param on_kill: ``cancel`` the task when Airflow ends its own (killed, timed out, marked), or ``leave`` it.
    :param log: Show the task's log ``live`` (its ``tail`` if the operator is deferrable), its ``tail`` when it has
        ended, or ``none``: then the last 50 lines of a run that did not complete.
    :param log_lines: Lines of a tail; None for all, 10 MiB at most.
    :param download: Names or patterns of artifacts to download when the task has completed (templated).
    :param destination: Folder for them (templated): a path, or the URL of an ``ObjectStoragePath``.
    :param result_artifact: Name of a small JSON artifact whose content is returned as ``result`` (templated).
    :param poll_interval: Seconds between two looks at the task.
    :param deferrable: Wait in the triggerer; Airflow's ``[operators] default_deferrable`` by default.
    """

    operator_extra_links: tuple[TaskclusterLink, ...] = (TaskclusterTaskLink(),)
    stored_as: ClassVar[Mapping[str, str]] = {"log": "show_log", "on_kill": "when_killed"}
    checks: ClassVar = {
        "retry_on": read_retry_on,
        "on_kill": one_of(OnKill),
        "log": one_of(ShowLog),
        "log_lines": lambda value, name: None if value is None else at_least(1)(value, name),
        "poll_interval": seconds,
        "deferrable": flag,
    }
    depends: ClassVar[tuple[str, ...]] = ("download", "destination")
    action = "Run of a Taskcluster task"
    """What the operator does, for errors."""

    _killed = False
    taskcluster_task_id: str | None = None
    """Id of the task, once it is known; for the link."""

    def __init__(
        self,
        *,
        retry_on: str | Sequence[str] = RETRIED_BY_DEFAULT,
        on_kill: OnKill = "cancel",
        log: ShowLog = "live",
        log_lines: int | None = 200,
        download: str | Sequence[str] | None = None,
        destination: str | ObjectStoragePath | None = None,
        result_artifact: str | None = None,
        poll_interval: float = 20.0,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.retry_on = retry_on
        self.when_killed = on_kill
        self.show_log = log
        self.log_lines = log_lines
        self.download = download
        self.destination = destination
        self.result_artifact = result_artifact
        self.poll_interval = poll_interval
        self.deferrable = deferrable

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

    def execute_complete(self, context: Context, event: Json) -> RanTask:
        """Go on after an event of the trigger."""
        with permanent_errors_fail(self.action, self.taskcluster_conn_id):
            task_id, run_id = self._recall(context)
            leave_links(self, context)
            match event["outcome"]:
                case "found":
                    return self._finish(context, task_id, run_id, was_shown=False)
                case "timeout":
                    self._cancel()
                    raise AirflowTaskTimeout(f"Task {task_id!r} has not ended in time: {visible(event['message'])}")
            why = failure_message(self.action, self.taskcluster_conn_id, event["message"])
            if event["transient"]:
                raise WaitFailed(f"The wait in the triggerer broke down: {why}; see the log of the triggerer")
            raise AirflowFailException(visible(why))

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Go on after a deferral; a trigger that ended without an event timed out or crashed."""
        if next_method != FAILED:
            return getattr(self, next_method)(context, **(next_kwargs or {}))
        error = str((next_kwargs or {}).get("error", "Unknown"))
        outcome = "timeout" if error in TRIGGER_TIMEOUTS else "failed"
        return self.execute_complete(context, {"outcome": outcome, "message": error, "transient": True})

    def pre_execute(self, context: Context) -> None:
        """Find the task again after a deferral, so that a time-out or kill cancels it."""
        super().pre_execute(context)
        if getattr(context.get("ti"), "next_method", None):
            self._recall(context)

    def get_openlineage_facets_on_complete(self, _: Any) -> Any:
        """Tell OpenLineage, where its provider is installed, which task was run."""
        from airflow.providers.openlineage.extractors import OperatorLineage

        page = self.addresses.get(TaskclusterTaskLink.key)
        if self.taskcluster_task_id is None or page is None:
            return OperatorLineage()
        return OperatorLineage(run_facets=task_facets(self.taskcluster_task_id, page))

    def on_kill(self) -> None:
        """Stop reading, and cancel the task."""
        self._killed = True
        super().on_kill()
        self._cancel()

    def _recall(self, context: Context) -> tuple[str, int | None]:
        instance = context["ti"]
        followed = instance.xcom_pull(task_ids=self.task_id, key=FOLLOWED, map_indexes=instance.map_index)
        if not followed:
            raise WaitFailed("The id of the task is gone from XCom: the next try finds the task again")
        self.taskcluster_task_id = followed["task_id"]
        return followed["task_id"], followed["run_id"]

    def _defer(self, context: Context, task_id: str, run_id: int | None) -> None:
        from airflow_provider_taskcluster.triggers.run_trigger import TaskclusterRunTrigger
        from airflow_provider_taskcluster.waits.serialization import serialize_wait

        deadline = None
        if self.execution_timeout is not None:
            started = getattr(context["ti"], "start_date", None) or datetime.now(UTC)
            deadline = started.timestamp() + self.execution_timeout.total_seconds()
        trigger = TaskclusterRunTrigger(
            wait=serialize_wait(RunWait(task_id=task_id, run_id=run_id)),
            taskcluster_conn_id=str(self.taskcluster_conn_id),
            interval=self.poll_interval,
            deadline=deadline,
            connect_timeout=self.connect_timeout,
            read_timeout=self.read_timeout,
            cancel=self.when_killed == "cancel",
        )
        raise TaskDeferred(trigger=trigger, method_name="execute_complete")

    def _wait(self, task_id: str, run_id: int | None) -> bool:
        """Wait on this worker until the run has ended; return whether its whole log was shown."""
        from airflow_provider_taskcluster.operators.worker_wait import WorkerWait

        wait = WorkerWait(
            RunWait(task_id=task_id, run_id=run_id),
            hook=lambda: self.hook,
            renew_hook=self._renew_hook,
            check_killed=self._check_killed,
            interval=self.poll_interval,
        )
        if self.show_log == "live":
            return wait.with_log()
        wait.without_log()
        return False

    def _renew_hook(self) -> None:
        self.__dict__.pop("hook").close()

    def _check_killed(self) -> None:
        """End this try after a kill, which may have canceled the task: on Airflow 3, the process goes on after it."""
        if self._killed:
            raise Interrupted("The Airflow task was told to stop")

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
            raise not_completed(run, message, self._retried_ends(context))
        return self._result(context, task_id, run)

    def _retried_ends(self, context: Context) -> list[str]:
        """Return the ends after which Airflow's next try starts a new attempt.

        In a retry, a cancel is one of them: the process of an earlier try that was lost and came back cancels the task.
        """
        ends = read_retry_on(self.retry_on)
        return [*ends, CANCELED] if self.when_killed == "cancel" and is_retry(self, context) else ends

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

    def _cancel(self) -> None:
        """Cancel the task, and wait for nothing; errors are only logged."""
        task_id = self.taskcluster_task_id
        if self.when_killed != "cancel" or task_id is None or "hook" not in self.__dict__:
            return
        from airflow_provider_taskcluster.hooks.base import twin_of

        twin = twin_of(self.hook, connect_timeout=CANCEL_TIMEOUT, read_timeout=CANCEL_TIMEOUT, max_retries=0)
        try:
            status = twin.cancel_task(task_id)
            log.info("Canceled task %r: it is %s", task_id, visible(status["state"]))
        except TaskclusterError as error:
            log.warning("Task %r could not be canceled: %s", task_id, visible(error))
        finally:
            twin.close()

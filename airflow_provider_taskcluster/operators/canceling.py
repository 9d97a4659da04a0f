"""Base class of operators that follow what they started to its end: on the worker, or in the triggerer."""

from __future__ import annotations

import logging
from abc import abstractmethod
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from airflow.providers.common.compat.sdk import AirflowFailException, AirflowTaskTimeout, conf

from airflow_provider_taskcluster.common.arguments import flag
from airflow_provider_taskcluster.common.checks import one_of, seconds
from airflow_provider_taskcluster.common.messages import visible
from airflow_provider_taskcluster.common.task_failure import failure_message, permanent_errors_fail
from airflow_provider_taskcluster.exceptions import Interrupted, TaskclusterError, WaitFailed
from airflow_provider_taskcluster.links.base import leave_links
from airflow_provider_taskcluster.operators.base import TaskclusterBaseOperator, is_retry
from airflow_provider_taskcluster.tasks.ends import CANCELED, RETRIED_BY_DEFAULT, read_retry_on
from airflow_provider_taskcluster.waits.protocol import Wait

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
    from airflow_provider_taskcluster.operators.worker_wait import WorkerWait
    from airflow_provider_taskcluster.waits.protocol import Json

log = logging.getLogger(__name__)

W = TypeVar("W", bound=Wait)

OnKill = Literal["cancel", "leave"]
# Seconds for the request that cancels a task when Airflow ends its own: it is killed soon after.
CANCEL_TIMEOUT = 5
# Airflow's method name for a trigger that ended without an event, and its errors for a trigger that timed out.
FAILED = "__fail__"
TRIGGER_TIMEOUTS = ("Trigger timeout", "Trigger/execution timeout")


class TaskclusterCancelingOperator(TaskclusterBaseOperator):
    """Base class of operators that start something, follow it to its end, and cancel it when Airflow ends their task.

    :param retry_on: Ends after which Airflow's next try starts a new attempt; after all others the Airflow task fails
        at once.
    :param on_kill: ``cancel`` what is followed when Airflow ends its own task (killed, timed out, marked), or ``leave``
        it.
    :param poll_interval: Seconds between two looks.
    :param deferrable: Wait in the triggerer; Airflow's ``[operators] default_deferrable`` by default.
    """

    stored_as: ClassVar[Mapping[str, str]] = {"on_kill": "when_killed"}
    checks: ClassVar = {
        "retry_on": read_retry_on,
        "on_kill": one_of(OnKill),
        "poll_interval": seconds,
        "deferrable": flag,
    }
    action: str
    """What the operator does, for errors."""

    _killed = False

    def __init__(
        self,
        *,
        retry_on: str | Sequence[str] = RETRIED_BY_DEFAULT,
        on_kill: OnKill = "cancel",
        poll_interval: float = 20.0,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.retry_on = retry_on
        self.when_killed = on_kill
        self.poll_interval = poll_interval
        self.deferrable = deferrable

    @property
    @abstractmethod
    def followed(self) -> str | None:
        """Name of the task or group that is followed, for the log; None until it is known."""

    @abstractmethod
    def recall(self, context: Context) -> None:
        """Find what is followed again, after a deferral."""

    @abstractmethod
    def finish(self, context: Context) -> Any:
        """Return the result of what has ended in the triggerer; raise if it is not a success."""

    @abstractmethod
    def cancel_followed(self, hook: TaskclusterHook) -> str:
        """Cancel what is followed, and return a sentence for the log.

        :param hook: A hook that waits for little.
        """

    def end_of_wait(self, context: Context, message: str) -> TaskclusterError | None:  # noqa: ARG002 (of subclasses)
        """Return the error for a wait that can no longer be met; None for the one that Airflow does not retry.

        :param message: What happened instead.
        """
        return None

    def execute_complete(self, context: Context, event: Json) -> Any:
        """Go on after an event of the trigger."""
        with permanent_errors_fail(self.action, self.taskcluster_conn_id):
            self.recall(context)
            leave_links(self, context)
            match event["outcome"]:
                case "found":
                    return self.finish(context)
                case "timeout":
                    self._cancel()
                    raise AirflowTaskTimeout(
                        f"{visible(self.followed)} has not ended in time: {visible(event['message'])}"
                    )
                case "over" if error := not event["misconfigured"] and self.end_of_wait(context, event["message"]):
                    raise error
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
        """Prepare for a kill: load what a cancel takes, and after a deferral find what is followed."""
        from airflow_provider_taskcluster.services import upstream

        super().pre_execute(context)
        upstream.import_libraries()
        if getattr(context.get("ti"), "next_method", None):
            self.recall(context)

    def on_kill(self) -> None:
        """Stop reading, and cancel what is followed."""
        self._killed = True
        super().on_kill()
        self._cancel()

    def _retried_ends(self, context: Context) -> list[str]:
        """Return the ends after which Airflow's next try starts a new attempt.

        In a retry, a cancel is one of them: the process of an earlier try that was lost and came back cancels the task.
        """
        ends = read_retry_on(self.retry_on)
        return [*ends, CANCELED] if self.when_killed == "cancel" and is_retry(self, context) else ends

    def _pulled(self, context: Context, key: str) -> Any:
        """Return what this Airflow task has pushed to XCom, also before a deferral."""
        instance = context["ti"]
        return instance.xcom_pull(task_ids=self.task_id, key=key, map_indexes=instance.map_index)

    def _worker_wait(self, wait: W) -> WorkerWait[W]:
        """Return the wait on this worker."""
        from airflow_provider_taskcluster.operators.worker_wait import WorkerWait

        return WorkerWait(
            wait,
            hook=lambda: self.hook,
            renew_hook=self._renew_hook,
            check_killed=self._check_killed,
            interval=self.poll_interval,
        )

    def _trigger_options(self, context: Context) -> Json:
        """Return the options of the trigger but for its wait."""
        deadline = None
        if self.execution_timeout is not None:
            started = getattr(context["ti"], "start_date", None) or datetime.now(UTC)
            deadline = started.timestamp() + self.execution_timeout.total_seconds()
        return {
            "taskcluster_conn_id": str(self.taskcluster_conn_id),
            "interval": self.poll_interval,
            "deadline": deadline,
            "connect_timeout": self.connect_timeout,
            "read_timeout": self.read_timeout,
            "cancel": self.when_killed == "cancel",
        }

    def _renew_hook(self) -> None:
        """Replace the hook by one that has read the connection again; a kill finds one of them at any moment."""
        old, new = self.hook, self._new_hook()
        _ = new.settings  # reads the connection: in the handler of a signal it might wait for ever
        self.__dict__["hook"] = new
        old.close()

    @contextmanager
    def _canceled_if_killed(self) -> Iterator[None]:
        """Cancel again after a kill in the block: what was being created then may exist only now."""
        try:
            yield
            self._check_killed()
        finally:
            if self._killed:
                self._cancel()

    def _check_killed(self) -> None:
        """End this try after a kill, which may have canceled the task: on Airflow 3, the process goes on after it."""
        if self._killed:
            raise Interrupted("The Airflow task was told to stop")

    def _cancel(self) -> None:
        """Cancel what is followed, and wait for nothing; errors are only logged."""
        if self.when_killed != "cancel" or self.followed is None or "hook" not in self.__dict__:
            return
        from airflow_provider_taskcluster.hooks.base import twin_of

        twin = twin_of(self.hook, connect_timeout=CANCEL_TIMEOUT, read_timeout=CANCEL_TIMEOUT, max_retries=0)
        try:
            log.info("%s", visible(self.cancel_followed(twin)))
        except TaskclusterError as error:
            log.warning("%s could not be canceled: %s", visible(self.followed), visible(error))
        finally:
            twin.close()

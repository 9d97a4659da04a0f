"""Base class of the sensors: the connection, one check, and what its verdict means to Airflow."""

from __future__ import annotations

import time
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import PokeReturnValue, conf

from airflow_provider_taskcluster.common.arguments import as_written, flag
from airflow_provider_taskcluster.common.cached_attribute import cached_attribute
from airflow_provider_taskcluster.common.checks import CheckedArguments
from airflow_provider_taskcluster.common.messages import visible
from airflow_provider_taskcluster.common.task_failure import failure_message, last_look_message, permanent_errors_fail
from airflow_provider_taskcluster.connection.fields import DEFAULT_CONN_ID
from airflow_provider_taskcluster.exceptions import AuthenticationFailed, TaskclusterError, UnreadableAnswer
from airflow_provider_taskcluster.links.base import NO_ADDRESSES, leave_links
from airflow_provider_taskcluster.sensors.deferring import DeferringSensor
from airflow_provider_taskcluster.sensors.flags import reason
from airflow_provider_taskcluster.sensors.reschedules import was_rescheduled
from airflow_provider_taskcluster.waits import wait_log
from airflow_provider_taskcluster.waits.grace_period import GracePeriod
from airflow_provider_taskcluster.waits.protocol import Found, Over, did_not_come

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
    from airflow_provider_taskcluster.triggers.waits import TaskclusterWaitTrigger
    from airflow_provider_taskcluster.waits.protocol import Json, Wait

# Values of ``require``: how many of several names must be found.
REQUIRE = ("all", "any")
WAITING = "The wait"
# Arguments that must be True or False: a text such as "no" would count as true.
FLAGS = ("deferrable", "soft_fail", "silent_fail", "never_fail", "exponential_backoff")
# Limits of the log line about a result: characters, and names.
LONGEST_SUMMARY = 1000
MAX_IN_LOG = 10
# Parts of the message of a time-out.
REJECTED = "found, but rejected by checks; see the log"
MORE_TIME = "; if it may still come, give the sensor a longer timeout"


class TaskclusterBaseSensor(CheckedArguments, DeferringSensor):
    """Base class of all sensors, for poke, reschedule and deferrable mode.

    The sensor waits on after transient errors. Other errors end the wait at once, as does the verdict that it can no
    longer succeed.

    :param taskcluster_conn_id: Id of the connection (templated).
    :param connect_timeout: Seconds to connect to a server; None takes the connection's.
    :param read_timeout: Seconds without data that end a request; None takes the connection's.
    :param max_retries: Most retries of a worker's request with a transient error; None takes the connection's.
    :param deferrable: Wait in the triggerer, where all waits of a connection share their requests; Airflow's
        ``[operators] default_deferrable`` by default.
    """

    checks: ClassVar = dict.fromkeys(FLAGS, flag)
    addresses: Mapping[str, str] = NO_ADDRESSES
    """URLs of the links by key, set by ``leave_links``."""
    _keeps_process = False

    def __init__(
        self,
        *,
        taskcluster_conn_id: str = DEFAULT_CONN_ID,
        connect_timeout: float | None = None,
        read_timeout: float | None = None,
        max_retries: int | None = None,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(deferrable=deferrable, **kwargs)
        self.taskcluster_conn_id = taskcluster_conn_id
        self.connect_timeout = connect_timeout
        self.read_timeout = read_timeout
        self.max_retries = max_retries
        self._checked_before = False
        self._grace_period = GracePeriod()

    @cached_attribute
    def hook(self) -> TaskclusterHook:
        """The hook of the connection, imported on first use: not when a DAG file is parsed."""
        from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook

        return TaskclusterHook(
            str(self.taskcluster_conn_id),
            connect_timeout=self.connect_timeout,
            read_timeout=self.read_timeout,
            max_retries=self.max_retries,
        )

    def render_template(self, content: Any, *arguments: Any, **options: Any) -> Any:
        """Render as Airflow does, but keep text that looks like a number as text."""
        return as_written(super().render_template, content, *arguments, **options)

    def pre_execute(self, context: Context) -> None:
        """Set the links first, so that they exist while the sensor waits."""
        super().pre_execute(context)
        with self.flags_applied():
            self.clear_omitted()
            leave_links(self, context)

    @abstractmethod
    def wait(self) -> Wait:
        """Return the wait that the arguments describe.

        :raises InvalidInput: An argument is invalid.
        """

    @abstractmethod
    def xcom_value(self, result: Json) -> Any:
        """Return the value for XCom."""

    def confirm(self, result: Json) -> Json | None:
        """Do the checks that need a worker; return the accepted part of the result, None to wait on."""
        return result

    @abstractmethod
    def summary(self, result: Json) -> str:
        """Return the log text of a result."""

    @property
    def reschedule(self) -> bool:
        """Whether the next check runs in a new process.

        Not while credentials are refused: only this process knows since when.
        """
        return self.mode == "reschedule" and not self._keeps_process

    def poke(self, context: Context) -> PokeReturnValue:
        """Check once; a result goes to XCom. A time-out meanwhile tells what the look before said."""
        self.more_time = ""
        try:
            with permanent_errors_fail(WAITING, self.taskcluster_conn_id):
                result, why = self._check_or_wait(context)
                if result is not None:
                    self.log.info("Found: %s", visible(self.summary(result), LONGEST_SUMMARY))
                    return PokeReturnValue(is_done=True, xcom_value=self.xcom_value(result))
        except Exception as error:
            self.last_look = self.last_look_message(reason(error))  # silent_fail waits on
            raise
        self.last_look = self.last_look_message(why)
        return PokeReturnValue(is_done=False)

    def _check_or_wait(self, context: Context) -> tuple[Json | None, str]:
        """Check once; after an error that may pass return None, to wait on."""
        try:
            self.check_rendered()
            result, why = self._check()
        except TaskclusterError as error:
            if not self._may_recover(error, context):
                self.misconfigured = not did_not_come(error)
                raise
            self.log.warning("Could not look, waiting on: %s", visible(error))
            return None, str(error)
        self._checked_before = True
        self._keeps_process = False
        self._grace_period.accepted()
        self.more_time = MORE_TIME
        return result, why

    def _may_recover(self, error: TaskclusterError, context: Context) -> bool:
        """Return whether a later check may succeed after this error.

        Credentials that were accepted before may have been rotated: the connection is then read again.
        """
        if isinstance(error, AuthenticationFailed) and self._has_checked_before(context):
            self._keeps_process = True
            if hook := self.__dict__.pop("hook", None):
                hook.close()
            return self._grace_period.covers(time.monotonic())
        return error.transient or isinstance(error, UnreadableAnswer)

    def _has_checked_before(self, context: Context) -> bool:
        return self._checked_before or (self.mode == "reschedule" and was_rescheduled(context))

    def _check(self) -> tuple[Json | None, str]:
        """Return the result, or None and the reason to wait on."""
        verdict = self.hook.look(self.wait())
        if isinstance(verdict, Over):
            raise verdict.error
        if isinstance(verdict, Found):
            return self.confirm(verdict.result), REJECTED
        if verdict.error:
            raise verdict.error
        alternatives = verdict.instead() if verdict.instead is not None else ""
        why = f"{verdict.why}; {alternatives}" if alternatives else verdict.why
        self.log.info("Not there yet: %s", visible(why))
        return None, why

    def _get_next_poke_interval(self, *arguments: Any, **named: Any) -> float:
        """Return the seconds until the next check. A long wait in this process is logged every few minutes."""
        seconds: float = super()._get_next_poke_interval(*arguments, **named)
        while not self.reschedule and seconds > wait_log.REPORT_EVERY:
            time.sleep(wait_log.REPORT_EVERY)
            seconds -= wait_log.REPORT_EVERY
            self.log.info("Waiting on. %s", visible(self.last_look))
        return seconds

    def execute_complete(self, context: Context, event: Json) -> Any:
        """Go on after an event of the trigger."""
        self._checked_before = True  # the worker did, before it deferred
        return super().execute_complete(context, event)

    def failure_message(self, why: object) -> str:
        """Return the message of an error that ends the wait, the same as in poke mode."""
        return failure_message(WAITING, self.taskcluster_conn_id, why)

    def last_look_message(self, why: object) -> str:
        """Return the text about the last check in the message of a time-out."""
        return last_look_message(self.taskcluster_conn_id, why)

    def trigger(self, deadline: float) -> TaskclusterWaitTrigger:
        """Return the trigger for the rest of the wait."""
        from airflow_provider_taskcluster.triggers.waits import TaskclusterWaitTrigger
        from airflow_provider_taskcluster.waits.serialization import serialize_wait

        return TaskclusterWaitTrigger(
            wait=serialize_wait(self.wait()),
            taskcluster_conn_id=str(self.taskcluster_conn_id),
            interval=self.poke_interval,
            deadline=deadline,
            connect_timeout=self.connect_timeout,
            read_timeout=self.read_timeout,
            backoff=self._backoff(deadline - self.limit) if self.exponential_backoff else None,
        )

    def _backoff(self, started: float) -> Json:
        return {"started": started, "max_wait": self.max_wait.total_seconds() if self.max_wait else None}


def count_and_names(noun: str, items: list[str]) -> str:
    """Return ``artifact 'a'``, or ``3 artifacts: 'a', 'b', ...`` with the first ten, for the log."""
    if len(items) == 1:
        return f"{noun} {items[0]}"
    shown = ", ".join(items[:MAX_IN_LOG])
    return f"{len(items)} {noun}s: {shown}" + (", ..." if len(items) > MAX_IN_LOG else "")

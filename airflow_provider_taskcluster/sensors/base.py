"""What all sensors share: the connection, one look, and what its verdict means to Airflow."""

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
from airflow_provider_taskcluster.sensors.earlier_looks import was_rescheduled
from airflow_provider_taskcluster.sensors.flags import reason
from airflow_provider_taskcluster.waits import wait_log
from airflow_provider_taskcluster.waits.grace_period import GracePeriod
from airflow_provider_taskcluster.waits.protocol import Found, Over, did_not_come

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
    from airflow_provider_taskcluster.triggers.waits import TaskclusterWaitTrigger
    from airflow_provider_taskcluster.waits.protocol import Json, Wait

# XCom gets so many of what was found; of the one thing that was named, only that.
LISTED = 100
# How many of several things must be there.
REQUIRE = ("all", "any")
WAITING = "The wait"
# True or False: a text such as "no" would count as true.
FLAGS = ("deferrable", "soft_fail", "silent_fail", "never_fail", "exponential_backoff")
# Characters of a line that says what was found.
LONGEST_SUMMARY = 1000
MOST_SHOWN = 10
# What a time-out says.
NOT_PASSED = "what is there has not passed, the log says why"
MORE_TIME = "; if it may still come, give the sensor a longer timeout"


class TaskclusterBaseSensor(CheckedArguments, DeferringSensor):
    """A sensor with a connection: in poke and reschedule mode, or deferred to the triggerer.

    Errors that may pass mean to wait on; others, and what can no longer come, end the wait at once.

    :param taskcluster_conn_id: Id of the connection (templated).
    :param connect_timeout: Seconds to wait for a connection; None takes the connection's.
    :param read_timeout: Seconds of silence that end a request; None takes the connection's.
    :param max_retries: Most repeats of a worker's request that failed for the moment; None takes the connection's.
    :param deferrable: Wait in the triggerer, where all waits of a connection share their requests. By default as
        ``[operators] default_deferrable`` says.
    """

    checks: ClassVar = dict.fromkeys(FLAGS, flag)
    addresses: Mapping[str, str] = NO_ADDRESSES
    """Of its links, once they are left (``leave_links``)."""
    _stays = False

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
        self._looked_before = False
        self._grace_period = GracePeriod()

    @cached_attribute
    def hook(self) -> TaskclusterHook:
        """The hook of this connection. A DAG file that is only parsed does not load it."""
        from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook

        return TaskclusterHook(
            str(self.taskcluster_conn_id),
            connect_timeout=self.connect_timeout,
            read_timeout=self.read_timeout,
            max_retries=self.max_retries,
        )

    def render_template(self, content: Any, *arguments: Any, **options: Any) -> Any:
        """Render as Airflow does, but what looks like a number stays text."""
        return as_written(super().render_template, content, *arguments, **options)

    def pre_execute(self, context: Context) -> None:
        """Leave the links first, so that they are there while the sensor waits."""
        super().pre_execute(context)
        with self.flags_applied():
            self.clear_omitted()
            leave_links(self, context)

    @abstractmethod
    def wait(self) -> Wait:
        """Return what is waited for, from the arguments.

        :raises InvalidInput: An argument cannot be.
        """

    @abstractmethod
    def result(self, found: Json) -> Any:
        """Return what goes to XCom."""

    def confirmed(self, found: Json) -> Json | None:
        """Look at what only a worker can; return what has passed, None to wait on."""
        return found

    @abstractmethod
    def summary(self, found: Json) -> str:
        """Say what was found, for the log."""

    @property
    def reschedule(self) -> bool:
        """Whether the next look has a process of its own.

        Not while credentials are refused: this process alone knows since when.
        """
        return self.mode == "reschedule" and not self._stays

    def poke(self, context: Context) -> PokeReturnValue:
        """Look once; what is found goes to XCom."""
        self.last_look = self.more_time = ""
        try:
            with permanent_errors_fail(WAITING, self.taskcluster_conn_id):
                found, why = self._looked_at(context)
                if found is not None:
                    self.log.info("Found: %s", visible(self.summary(found), LONGEST_SUMMARY))
                    return PokeReturnValue(is_done=True, xcom_value=self.result(found))
        except Exception as error:
            self.last_look = self.sentence_of_last_look(reason(error))  # for silent_fail, which waits on
            raise
        self.last_look = self.sentence_of_last_look(why)
        return PokeReturnValue(is_done=False)

    def _looked_at(self, context: Context) -> tuple[Json | None, str]:
        """Look once; an error that may pass is a look that came to nothing."""
        try:
            self.check_rendered()
            found, why = self._look()
        except TaskclusterError as error:
            if not self._may_pass(error, context):
                self.misconfigured = not did_not_come(error)
                raise
            self.log.warning("Could not look, waiting on: %s", visible(error))
            return None, str(error)
        self._looked_before = True
        self._stays = False
        self._grace_period.accepted()
        self.more_time = MORE_TIME
        return found, why

    def _may_pass(self, error: TaskclusterError, context: Context) -> bool:
        """Tell whether the next look may come to something.

        Credentials that were good before may have been rotated: the connection is read anew then.
        """
        if isinstance(error, AuthenticationFailed) and self._has_looked_before(context):
            self._stays = True
            if hook := self.__dict__.pop("hook", None):
                hook.close()
            return self._grace_period.covers(time.monotonic())
        return error.transient or isinstance(error, UnreadableAnswer)

    def _has_looked_before(self, context: Context) -> bool:
        return self._looked_before or (self.mode == "reschedule" and was_rescheduled(context))

    def _look(self) -> tuple[Json | None, str]:
        """Return what was found, or None and why."""
        verdict = self.hook.look(self.wait())
        if isinstance(verdict, Over):
            raise verdict.error
        if isinstance(verdict, Found):
            return self.confirmed(verdict.result), NOT_PASSED
        if verdict.error:
            raise verdict.error
        there = verdict.instead() if verdict.instead is not None else ""
        why = f"{verdict.why}; {there}" if there else verdict.why
        self.log.info("Not there yet: %s", visible(why))
        return None, why

    def _get_next_poke_interval(self, *arguments: Any, **named: Any) -> float:
        """Return the seconds until the next look; a worker that has long to wait says now and then that it does."""
        seconds: float = super()._get_next_poke_interval(*arguments, **named)
        while not self.reschedule and seconds > wait_log.REPORT_EVERY:
            time.sleep(wait_log.REPORT_EVERY)
            seconds -= wait_log.REPORT_EVERY
            self.log.info("Waiting on. %s", visible(self.last_look))
        return seconds

    def execute_complete(self, context: Context, event: Json) -> Any:
        """Go on when the triggerer says so."""
        self._looked_before = True  # a worker has, before it deferred
        return super().execute_complete(context, event)

    def sentence(self, why: object) -> str:
        """Return the sentence of an error that ends the wait, as a worker has it."""
        return failure_message(WAITING, self.taskcluster_conn_id, why)

    def sentence_of_last_look(self, why: object) -> str:
        """Return what a time-out says of the last look."""
        return last_look_message(self.taskcluster_conn_id, why)

    def trigger(self, deadline: float) -> TaskclusterWaitTrigger:
        """Return the trigger that waits from now on."""
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


def is_one(argument: Any, names: list[str]) -> bool:
    """Tell whether one thing was named, not a list.

    :param argument: What takes one name or a list.
    :param names: What it came to.
    """
    return names == [str(argument)]


def counted(noun: str, things: list[str]) -> str:
    """Return ``artifact 'a'``, or ``3 artifacts: 'a', 'b', ...`` for the log, where the first ten are enough.

    :param things: What is said of each.
    """
    if len(things) == 1:
        return f"{noun} {things[0]}"
    shown = ", ".join(things[:MOST_SHOWN])
    return f"{len(things)} {noun}s: {shown}" + (", ..." if len(things) > MOST_SHOWN else "")

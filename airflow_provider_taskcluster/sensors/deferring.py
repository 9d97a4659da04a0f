"""A sensor that can wait in the triggerer, and whose errors and time-outs mean the same there as in poke mode."""

from __future__ import annotations

import time
from abc import abstractmethod
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferred,
)

from airflow_provider_taskcluster.common.messages import exception_summary, visible
from airflow_provider_taskcluster.exceptions import WaitFailed
from airflow_provider_taskcluster.sensors.flags import FlaggedSensor, reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.providers.common.compat.sdk import Context
    from airflow.triggers.base import BaseTrigger

    from airflow_provider_taskcluster.waits.protocol import Json

# The trigger minds the deadline; so many seconds later Airflow does, should there be no triggerer.
GRACE = 60
# What Airflow calls instead of a method when there was no event, and what it says when the time was up.
FAILED = "__fail__"
TRIGGER_TIMEOUTS = ("Trigger timeout", "Trigger/execution timeout")


class DeferringSensor(FlaggedSensor):
    """Looks on the worker, and waits in the triggerer from one look to the next that may be worth it.

    A deferred wait ends with ``timeout`` or ``execution_timeout``, whichever is over first; both count from the first
    look.

    :param deferrable: Wait in the triggerer.
    """

    def __init__(self, *, deferrable: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.deferrable = deferrable

    @abstractmethod
    def trigger(self, deadline: float) -> BaseTrigger:
        """Return the trigger that waits from now on, until the deadline in seconds since 1970 at most.

        Its event is that of ``TaskclusterWaitTrigger``.
        """

    @property
    def limit(self) -> float:
        """Seconds after which a deferred wait ends."""
        limit = self.execution_timeout
        return limit.total_seconds() if limit is not None and self.execution_timeout_first else self.timeout

    def pre_execute(self, context: Context) -> None:
        """End a deferred wait whose ``execution_timeout`` is over.

        Airflow 2 would do so itself before it calls any other method, without a word and whatever the flags are.
        """
        instance: Any = context.get("ti")
        if self.execution_timeout_first and getattr(instance, "next_method", None):
            event = (instance.next_kwargs or {}).get("event") or {}
            with self.flags_applied():
                self._end_if_over(self._deadline(context), event.get("message"))
        super().pre_execute(context)

    def execute(self, context: Context) -> Any:
        """Wait."""
        with self.flags_applied():
            if self.deferrable:
                return self._look_or_defer(context, time.time() + self.limit)
            return super().execute(context)

    def execute_complete(self, context: Context, event: Json) -> Any:
        """Go on when the triggerer says that looking is worth it, or that it is over."""
        with self.flags_applied():
            if event["outcome"] == "timeout" and self.execution_timeout_first:
                self._end_if_over(0.0, event.get("message"))
            return self._look_or_defer(context, event["deadline"], event)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Go on after a deferral, past what Airflow makes of errors then."""
        if next_method != FAILED:
            return getattr(self, next_method)(context, **(next_kwargs or {}))
        return self.execute_complete(context, self._event_for(next_kwargs or {}, context))

    @abstractmethod
    def sentence(self, why: object) -> str:
        """Return the sentence of an error that ends the wait."""

    @abstractmethod
    def sentence_of_last_look(self, why: object) -> str:
        """Return what a time-out says of the last look."""

    def _event_for(self, told: dict[str, Any], context: Context) -> Json:
        """Return the event for what Airflow tells of a trigger that had none: the time is up, or it crashed."""
        if told.get("error") in TRIGGER_TIMEOUTS:
            return {"outcome": "timeout", "message": "", "transient": False, "deadline": 0.0}
        lines = _lines(told.get("traceback") or ())
        for line in lines:
            self.log.error("Trigger failed: %s", visible(line))
        message = lines[-1] if lines else str(told.get("error", "Unknown"))
        return {"outcome": "failed", "message": message, "transient": True, "deadline": self._deadline(context)}

    def _deadline(self, context: Context) -> float:
        """Return the deadline of a wait of which only the start is known."""
        started = getattr(context.get("ti"), "start_date", None) or datetime.now(UTC)
        return float(started.timestamp()) + self.limit

    def _end_if_over(self, deadline: float, why: str | None) -> None:
        """Raise the time-out when the time is up.

        :param why: What the last look in the triggerer came to.
        """
        if deadline <= time.time():
            self.last_look, self.more_time = self.sentence_of_last_look(why) if why else "", ""
            raise self.timed_out()

    def _look_or_defer(self, context: Context, deadline: float, event: Json | None = None) -> Any:
        looked = self._looked(context, event)
        if looked is not None and looked.is_done:
            self.log.info("Success criteria met. Exiting.")
            return looked.xcom_value
        left = deadline - time.time()
        if left <= 0:
            raise self.timed_out()
        raise TaskDeferred(
            trigger=self.trigger(deadline),
            method_name="execute_complete",
            timeout=timedelta(seconds=left + GRACE),
        )

    def _looked(self, context: Context, event: Json | None) -> Any:
        """Poke; errors end it as ``BaseSensorOperator.execute`` lets them."""
        try:
            self._raise_for(event)
            return self.poke(context)
        except (AirflowSensorTimeout, AirflowFailException, AirflowSkipException):
            raise
        except Exception as error:
            if not self.silent_fail:
                raise
            self.log.error("Sensor poke failed: %s", exception_summary(error))
            self.last_look, self.more_time = self.sentence_of_last_look(reason(error)), ""
            return None

    def _raise_for(self, event: Json | None) -> None:
        """Raise what the trigger could not: that it is over, or broke down."""
        if event is None or event["outcome"] in {"found", "timeout"}:
            return
        why = self.sentence(event["message"])
        if event["transient"]:
            raise WaitFailed(f"The wait in the triggerer broke down: {why}; see the log of the triggerer")
        self.misconfigured = bool(event.get("misconfigured"))
        raise AirflowFailException(visible(why))


def _lines(traceback: Sequence[str]) -> list[str]:
    return [line for line in "".join(traceback).splitlines() if line.strip()]

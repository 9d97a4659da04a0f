"""Base class that defers a sensor to the triggerer, with the same errors and time-outs as in poke mode."""

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

# Seconds after the deadline until Airflow itself ends the wait, in case no triggerer runs.
GRACE = 60
# Airflow's method name for a trigger that ended without an event, and its errors for a trigger that timed out.
FAILED = "__fail__"
TRIGGER_TIMEOUTS = ("Trigger timeout", "Trigger/execution timeout")


class DeferringSensor(FlaggedSensor):
    """Checks on the worker; waits in the triggerer until the next check on the worker is needed.

    A deferred wait ends at ``timeout`` or ``execution_timeout``, whichever is first; both count from the first check.

    :param deferrable: Wait in the triggerer.
    """

    def __init__(self, *, deferrable: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.deferrable = deferrable

    @abstractmethod
    def trigger(self, deadline: float) -> BaseTrigger:
        """Return the trigger for the rest of the wait.

        Its event has the fields of ``TaskclusterWaitTrigger``'s.

        :param deadline: End of the wait, in seconds since 1970.
        """

    @property
    def limit(self) -> float:
        """Seconds after which a deferred wait ends."""
        limit = self.execution_timeout
        return limit.total_seconds() if limit is not None and self.execution_timeout_first else self.timeout

    def pre_execute(self, context: Context) -> None:
        """End a deferred wait whose ``execution_timeout`` is over.

        Airflow 2 would do so before it calls any other method, without a message, and would ignore the flags.
        """
        instance: Any = context.get("ti")
        if self.execution_timeout_first and getattr(instance, "next_method", None):
            event = (instance.next_kwargs or {}).get("event") or {}
            with self.flags_applied():
                self._end_if_over(self._deadline(context), event.get("message"))
        super().pre_execute(context)

    def execute(self, context: Context) -> Any:
        """Wait in the mode of the sensor."""
        with self.flags_applied():
            if self.deferrable:
                return self._poke_or_defer(context, time.time() + self.limit)
            return super().execute(context)

    def execute_complete(self, context: Context, event: Json) -> Any:
        """Go on after an event of the trigger: found, failed or timed out."""
        with self.flags_applied():
            if event["outcome"] == "timeout" and self.execution_timeout_first:
                self._end_if_over(0.0, event.get("message"))
            return self._poke_or_defer(context, event["deadline"], event)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Go on after a deferral, without Airflow's own handling of trigger errors."""
        if next_method != FAILED:
            return getattr(self, next_method)(context, **(next_kwargs or {}))
        return self.execute_complete(context, self._event_for(next_kwargs or {}, context))

    @abstractmethod
    def failure_message(self, why: object) -> str:
        """Return the message of an error that ends the wait."""

    @abstractmethod
    def last_look_message(self, why: object) -> str:
        """Return the text about the last check in the message of a time-out."""

    def _event_for(self, error: dict[str, Any], context: Context) -> Json:
        """Return an event for a trigger that ended without one: it timed out, or crashed.

        :param error: Airflow's ``error`` and ``traceback``.
        """
        if error.get("error") in TRIGGER_TIMEOUTS:
            return {"outcome": "timeout", "message": "", "transient": False, "deadline": 0.0}
        lines = _lines(error.get("traceback") or ())
        for line in lines:
            self.log.error("Trigger failed: %s", visible(line))
        message = lines[-1] if lines else str(error.get("error", "Unknown"))
        return {"outcome": "failed", "message": message, "transient": True, "deadline": self._deadline(context)}

    def _deadline(self, context: Context) -> float:
        """Return the deadline, counted from the start of the task."""
        started = getattr(context.get("ti"), "start_date", None) or datetime.now(UTC)
        return float(started.timestamp()) + self.limit

    def _end_if_over(self, deadline: float, why: str | None) -> None:
        """Raise the time-out if the deadline has passed.

        :param why: Result of the last check in the triggerer.
        """
        if deadline <= time.time():
            self.last_look, self.more_time = self.last_look_message(why) if why else "", ""
            raise self.timed_out()

    def _poke_or_defer(self, context: Context, deadline: float, event: Json | None = None) -> Any:
        poked = self._poke(context, event)
        if poked is not None and poked.is_done:
            self.log.info("Success criteria met. Exiting.")
            return poked.xcom_value
        remaining = deadline - time.time()
        if remaining <= 0:
            raise self.timed_out()
        raise TaskDeferred(
            trigger=self.trigger(deadline),
            method_name="execute_complete",
            timeout=timedelta(seconds=remaining + GRACE),
        )

    def _poke(self, context: Context, event: Json | None) -> Any:
        """Poke once, with the error handling of ``BaseSensorOperator.execute``; None after an ignored error."""
        try:
            self._raise_for(event)
            return self.poke(context)
        except (AirflowSensorTimeout, AirflowFailException, AirflowSkipException):
            raise
        except Exception as error:
            if not self.silent_fail:
                raise
            self.log.error("Sensor poke failed: %s", exception_summary(error))
            self.last_look, self.more_time = self.last_look_message(reason(error)), ""
            return None

    def _raise_for(self, event: Json | None) -> None:
        """Raise the error that the event reports, if any."""
        if event is None or event["outcome"] in {"found", "timeout"}:
            return
        why = self.failure_message(event["message"])
        if event["transient"]:
            raise WaitFailed(f"The wait in the triggerer broke down: {why}; see the log of the triggerer")
        self.misconfigured = bool(event.get("misconfigured"))
        raise AirflowFailException(visible(why))


def _lines(traceback: Sequence[str]) -> list[str]:
    return [line for line in "".join(traceback).splitlines() if line.strip()]

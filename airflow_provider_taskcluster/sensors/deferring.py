"""A sensor that can wait in the triggerer, and whose errors and time-outs mean the same there as in poke mode."""

from __future__ import annotations

import time
from abc import abstractmethod
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
    BaseSensorOperator,
    TaskDeferred,
)

from airflow_provider_taskcluster.exceptions import WaitFailed
from airflow_provider_taskcluster.texts import crash, visible

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import AirflowException, Context
    from airflow.triggers.base import BaseTrigger

    from airflow_provider_taskcluster.waits.talk import Json

# The trigger minds the deadline; so many seconds later Airflow does, should there be no triggerer.
GRACE = 60
# What Airflow says when it does.
TRIGGER_TIMEOUT = "Trigger timeout"


class DeferringSensor(BaseSensorOperator):
    """Looks on the worker, and waits in the triggerer from one look to the next that may be worth it.

    Airflow's own treatment of deferred sensors differs from that of poking ones (``soft_fail`` skips other errors,
    ``silent_fail`` and ``never_fail`` do nothing), so this has its own.

    :param deferrable: Wait in the triggerer.
    """

    # What a time-out adds to Airflow's words, if the last look came to something.
    last_look = ""

    def __init__(self, *, deferrable: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.deferrable = deferrable

    @abstractmethod
    def trigger(self, deadline: float) -> BaseTrigger:
        """Return the trigger that waits from now on, until the deadline in seconds since 1970 at most.

        Its event is that of ``TaskclusterWaitTrigger``.
        """

    def execute(self, context: Context) -> Any:
        """Wait."""
        if self.deferrable:
            return self._look_or_defer(context, time.time() + self.timeout)
        try:
            return super().execute(context)
        except (AirflowSensorTimeout, AirflowSkipException) as error:
            raise self._with_last_look(error) from error.__cause__

    def execute_complete(self, context: Context, event: Json) -> Any:
        """Go on when the triggerer says that looking is worth it, or that it is over."""
        return self._look_or_defer(context, event["deadline"], event)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Go on after a deferral, past what Airflow makes of errors then."""
        if next_method == "execute_complete":
            return self.execute_complete(context, **(next_kwargs or {}))
        if (next_kwargs or {}).get("error") == TRIGGER_TIMEOUT:
            return self._look_or_defer(context, deadline=0.0)
        return super().resume_execution(next_method, next_kwargs, context)

    def _look_or_defer(self, context: Context, deadline: float, event: Json | None = None) -> Any:
        looked = self._looked(context, event)
        if looked is not None and looked.is_done:
            self.log.info("Success criteria met. Exiting.")
            return looked.xcom_value
        left = deadline - time.time()
        if left <= 0:
            message = f"Sensor has timed out: what it waits for has not come within {self.timeout:g} seconds."
            raise self._with_last_look((AirflowSkipException if self.soft_fail else AirflowSensorTimeout)(message))
        raise TaskDeferred(
            trigger=self.trigger(deadline),
            method_name="execute_complete",
            timeout=timedelta(seconds=left + GRACE),
        )

    def _with_last_look(self, error: AirflowException) -> AirflowException:
        return type(error)(visible(f"{error} {self.last_look}")) if self.last_look else error

    def _looked(self, context: Context, event: Json | None) -> Any:
        """Poke; errors end it as ``BaseSensorOperator.execute`` lets them."""
        try:
            _raise_for(event)
            return self.poke(context)
        except (AirflowSensorTimeout, AirflowTaskTimeout, AirflowFailException) as error:
            if self.soft_fail or self.never_fail:
                which = "soft_fail" if self.soft_fail else "never_fail"
                raise AirflowSkipException(visible(f"Skipping due to {which} is set to True: {error}")) from error
            raise
        except AirflowSkipException:
            raise
        except Exception as error:
            if self.silent_fail:
                self.log.error("Sensor poke failed: %s", crash(error))
                return None
            if self.never_fail:
                raise AirflowSkipException(f"Skipping due to never_fail is set to True: {visible(error)}") from error
            raise


def _raise_for(event: Json | None) -> None:
    """Raise what the trigger could not: that it is over, or broke down."""
    if event is None or event["outcome"] in {"found", "timeout"}:
        return
    if event["transient"]:
        raise WaitFailed(
            f"The wait in the triggerer broke down: {visible(event['message'])}; see the log of the triggerer"
        )
    raise AirflowFailException(visible(event["message"]))

"""``soft_fail``, ``never_fail`` and messages of time-outs, the same in poke, reschedule and deferrable mode."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
    BaseSensorOperator,
)

from airflow_provider_taskcluster.common.messages import exception_summary, visible
from airflow_provider_taskcluster.exceptions import TaskclusterError

try:
    from airflow.sdk.exceptions import AirflowRescheduleException
except ImportError:  # Airflow 2
    from airflow.exceptions import AirflowRescheduleException

if TYPE_CHECKING:
    from collections.abc import Iterator

# Start of Airflow's own message for a sensor that has timed out.
TIMED_OUT = "Sensor has timed out"
# Errors that soft_fail turns into a skip.
_SOFT = (AirflowFailException, AirflowSensorTimeout, AirflowTaskTimeout)


class FlaggedSensor(BaseSensorOperator):
    """Base class that applies ``soft_fail`` and ``never_fail`` in Airflow's place.

    Airflow drops the reason of a skip in poke and reschedule mode, and treats deferred sensors differently.
    ``soft_fail`` skips if the wait did not succeed; ``never_fail`` skips after any error.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # Additions to the message of a time-out: the result of the last check, and advice.
        self.last_look = self.more_time = ""
        # The wait ended with an error that somebody must correct; soft_fail does not apply to it.
        self.misconfigured = False

    @property
    def execution_timeout_first(self) -> bool:
        """Whether ``execution_timeout`` is over before ``timeout`` is."""
        limit = self.execution_timeout
        return limit is not None and limit.total_seconds() <= self.timeout

    def timed_out(self) -> AirflowSensorTimeout | AirflowTaskTimeout:
        """Return the error for the time-out that comes first."""
        return self._execution_timeout() if self.execution_timeout_first else self._sensor_timeout()

    @contextmanager
    def flags_applied(self) -> Iterator[None]:
        """Apply the flags to errors of the block, and hide them from Airflow meanwhile."""
        soft, never = self.soft_fail, self.never_fail
        self.soft_fail = self.never_fail = False
        try:
            yield
        except (AirflowSkipException, AirflowRescheduleException):
            raise
        except (Exception, AirflowTaskTimeout) as error:
            failure = self._with_own_message(error)
            skippable = isinstance(failure, _SOFT) and not self.misconfigured
            if soft and skippable and isinstance(failure, AirflowSensorTimeout):  # as Airflow does
                raise AirflowSkipException(visible(failure)) from error
            if flag := "never_fail" if never else "soft_fail" if soft and skippable else "":
                raise AirflowSkipException(
                    visible(f"Skipping due to {flag} is set to True: {reason(failure)}")
                ) from error
            if failure is error:
                raise
            raise failure from None
        finally:
            self.soft_fail, self.never_fail = soft, never

    def _with_own_message(self, error: BaseException) -> BaseException:
        """Return a time-out with a message that is the same in all modes; return other errors unchanged."""
        if isinstance(error, AirflowSensorTimeout) and str(error).startswith(TIMED_OUT):
            return self._sensor_timeout()
        return self._execution_timeout() if isinstance(error, AirflowTaskTimeout) else error

    def _sensor_timeout(self) -> AirflowSensorTimeout:
        message = f"{TIMED_OUT}: what it waits for has not come within {self.timeout:g} seconds."
        return AirflowSensorTimeout(self._with_last_look(message) + self.more_time)

    def _execution_timeout(self) -> AirflowTaskTimeout:
        limit = self.execution_timeout
        within = f" of {limit.total_seconds():g} seconds" if limit is not None else ""
        return AirflowTaskTimeout(self._with_last_look(f"The execution_timeout{within} is over, and the wait is not."))

    def _with_last_look(self, message: str) -> str:
        return visible(f"{message} {self.last_look}".rstrip())


def reason(error: BaseException) -> str:
    """Return the message of an error; for an unexpected error also its type and its place in the code."""
    expected = isinstance(error, (TaskclusterError, *_SOFT))
    return str(error) if expected else exception_summary(error)

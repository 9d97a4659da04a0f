"""``soft_fail`` and ``never_fail``, and what time-outs say: the same in poke, reschedule and deferrable mode."""

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

# How the sentence begins by which Airflow itself says that a sensor has timed out.
TIMED_OUT = "Sensor has timed out"
# What soft_fail may skip.
_FINAL = (AirflowFailException, AirflowSensorTimeout, AirflowTaskTimeout)


class FlaggedSensor(BaseSensorOperator):
    """A sensor whose flags are applied here, not by Airflow.

    Airflow loses the reason of a skip in poke and reschedule mode, and treats deferred sensors in another way.
    ``soft_fail`` skips what did not come; ``never_fail`` skips everything.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # What a time-out adds to its sentence, if the last look came to something, and what it adds besides.
        self.last_look = self.more_time = ""
        # The wait ended by what somebody must correct; soft_fail does not hide that.
        self.misconfigured = False

    @property
    def execution_timeout_first(self) -> bool:
        """Whether ``execution_timeout`` is over before ``timeout`` is."""
        limit = self.execution_timeout
        return limit is not None and limit.total_seconds() <= self.timeout

    def timed_out(self) -> AirflowSensorTimeout | AirflowTaskTimeout:
        """Return the time-out of which a deferred wait ends, whichever comes first."""
        return self._execution_timeout() if self.execution_timeout_first else self._sensor_timeout()

    @contextmanager
    def flags_applied(self) -> Iterator[None]:
        """Apply the flags to errors of the block, and keep Airflow from doing so."""
        soft, never = self.soft_fail, self.never_fail
        self.soft_fail = self.never_fail = False
        try:
            yield
        except (AirflowSkipException, AirflowRescheduleException):
            raise
        except (Exception, AirflowTaskTimeout) as error:
            ended = self._in_our_words(error)
            hidden = isinstance(ended, _FINAL) and not self.misconfigured
            if soft and hidden and isinstance(ended, AirflowSensorTimeout):  # Airflow's own sentence for that
                raise AirflowSkipException(visible(ended)) from error
            if flag := "never_fail" if never else "soft_fail" if soft and hidden else "":
                raise AirflowSkipException(
                    visible(f"Skipping due to {flag} is set to True: {reason(ended)}")
                ) from error
            if ended is error:
                raise
            raise ended from None
        finally:
            self.soft_fail, self.never_fail = soft, never

    def _in_our_words(self, error: BaseException) -> BaseException:
        """Return the time-out with a sentence that does not depend on the mode; other errors as they are."""
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
    """Say what happened: of an error that nobody thought of also its kind and its place."""
    expected = isinstance(error, (TaskclusterError, *_FINAL))
    return str(error) if expected else exception_summary(error)

"""Asks for the status of a task now and then, while its log is followed."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common.messages import visible
from airflow_provider_taskcluster.common.task_states import RESOLVED
from airflow_provider_taskcluster.exceptions import TaskclusterError, UnreadableAnswer

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_taskcluster.services.schemas import TaskRun, TaskStatus

log = logging.getLogger(__name__)


class FailureLog:
    """Decides about errors of calls that are made again and again: transient ones are logged once, others rise."""

    def __init__(self) -> None:
        self.failing = False

    def passed(self) -> None:
        """Note a call that had an answer."""
        self.failing = False

    def failed(self, error: TaskclusterError) -> None:
        """Log an error that may pass, unless the call before failed as well.

        :raises TaskclusterError: It will not pass.
        """
        if not error.transient and not isinstance(error, UnreadableAnswer):
            raise error
        if not self.failing:
            log.warning("Following the log goes on after an error: %s", visible(error))
        self.failing = True


class StatusWatch:
    """The status of a task, asked for again when the interval is over.

    :param ask: Returns the status.
    :param interval: Seconds between two calls.
    :param on_status: Called with each answer; an error that it raises ends the iteration.
    :param sleep: Waits some seconds; raises an error once the hook is stopped.
    """

    def __init__(
        self,
        ask: Callable[[], TaskStatus],
        interval: float,
        on_status: Callable[[TaskStatus], None] | None,
        sleep: Callable[[float], None],
    ) -> None:
        self.interval = interval
        self._ask = ask
        self._on_status = on_status
        self._sleep = sleep
        self._failures = FailureLog()
        self._status: TaskStatus | None = None
        self._next = 0.0

    @property
    def status(self) -> TaskStatus:
        """The last answer; the first one is waited for."""
        while self._status is None:
            if not self.look():
                self._sleep(min(self.interval, 1.0))
        return self._status

    @property
    def resolved(self) -> bool:
        """Whether the task is resolved."""
        return self.status["state"] in RESOLVED

    def run(self, run_id: int) -> TaskRun | None:
        """Return a run as it was at the last answer; None if there was none with this number."""
        return next((run for run in self.status["runs"] if run["runId"] == run_id), None)

    def look(self) -> bool:
        """Ask for the status if it is time; tell whether there was an answer."""
        if time.monotonic() < self._next:
            return False
        try:
            status = self._ask()
        except TaskclusterError as error:
            self._failures.failed(error)
            return False
        else:
            self._failures.passed()
        finally:
            self._next = time.monotonic() + self.interval
        self._status = status
        if self._on_status is not None:
            self._on_status(status)
        return True

"""Waits on the worker: for the end of a run, whose log is shown meanwhile, or of the tasks of a group."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from airflow_provider_taskcluster.common.messages import visible
from airflow_provider_taskcluster.exceptions import AuthenticationFailed, Interrupted, TaskclusterError, WillNotCome
from airflow_provider_taskcluster.operators.task_output import TaskOutput
from airflow_provider_taskcluster.waits.conditions.runs import ended_run
from airflow_provider_taskcluster.waits.grace_period import GracePeriod
from airflow_provider_taskcluster.waits.protocol import Found, NotYet, Over, Wait

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
    from airflow_provider_taskcluster.services.schemas import TaskStatus
    from airflow_provider_taskcluster.waits.conditions.runs import RunWait
    from airflow_provider_taskcluster.waits.protocol import Verdict

log = logging.getLogger(__name__)

W = TypeVar("W", bound=Wait)

# Seconds of one pause at most: a kill ends the wait after it.
LONGEST_PAUSE = 1.0


class _RunEnded(Exception):
    """The run that is followed has ended, though the task goes on with a rerun."""


@dataclass
class WorkerWait(Generic[W]):
    """A wait that looks from time to time, with what the last look has left for the next.

    :param wait: What is waited for.
    :param hook: Returns the hook: after a 401 another one, whose connection is read again.
    :param renew_hook: Replaces the hook.
    :param check_killed: Raises ``Interrupted`` if the Airflow task was killed.
    :param interval: Seconds between two looks.
    """

    wait: W
    hook: Callable[[], TaskclusterHook]
    renew_hook: Callable[[], None]
    check_killed: Callable[[], None]
    interval: float
    _grace_period: GracePeriod = field(default_factory=GracePeriod)
    _memory: Any = None

    def with_log(self: WorkerWait[RunWait]) -> bool:
        """Show the log until the run has ended; return whether all of it was shown.

        :raises TaskclusterError: The run will not end, or its end cannot be found out.
        """
        try:
            TaskOutput(self.hook(), self.wait.task_id).follow(self._check, self.interval)
        except _RunEnded:
            return False
        except (Interrupted, WillNotCome):
            raise
        except TaskclusterError as error:
            log.warning("The log of task %r cannot be shown live: %s", self.wait.task_id, visible(error))
            self.without_log()
            return False
        self.without_log()
        return True

    def without_log(self) -> None:
        """Wait until the wait is met.

        :raises TaskclusterError: It can no longer be, or that cannot be found out.
        """
        last = ""
        while True:
            verdict = self._look()
            for line in verdict.news:
                log.info("%s", visible(line))
            if isinstance(verdict, Found):
                return
            why = self._reason_to_wait(verdict)
            if why != last:
                log.info("Waiting on. %s", visible(why))
            last = why
            self._pause()

    def _look(self) -> Verdict:
        """Look with what the last look has left."""
        verdict = self.hook().look(self.wait, self._memory)
        if isinstance(verdict, NotYet):
            self._memory = verdict.memory
        return verdict

    def _reason_to_wait(self, verdict: Verdict) -> str:
        """Return why the wait goes on.

        Credentials may have been rotated during the wait: the connection is then read again.
        """
        if not isinstance(verdict, Over):
            self._grace_period.accepted()
            return str(verdict["why"])
        if not isinstance(verdict.error, AuthenticationFailed) or not self._grace_period.covers(time.monotonic()):
            raise verdict.error
        self.renew_hook()
        return str(verdict.error)

    def _pause(self) -> None:
        end = time.monotonic() + self.interval
        while (left := end - time.monotonic()) > 0:
            self.check_killed()
            time.sleep(min(left, LONGEST_PAUSE))
        self.check_killed()

    def _check(self: WorkerWait[RunWait], status: TaskStatus) -> None:
        """End the reading of the log if the run has ended, or if the task is blocked."""
        if status["state"] == "unscheduled" and isinstance(verdict := self._look(), Over):
            raise verdict.error
        ended = ended_run(status, self.wait.run_id)
        if ended is not None and ended is not status["runs"][-1]:
            raise _RunEnded

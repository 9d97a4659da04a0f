"""Writes the progress of a wait into the log of its own task, also from a poll loop that many waits share."""

from __future__ import annotations

import asyncio
import logging
from contextlib import contextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common.messages import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)

# Seconds between two progress lines. Users are promised five minutes.
REPORT_EVERY = 240.0
# Stands for the last look before the first one of this wait.
EARLIER_LOOK = "that of the worker, or of another triggerer, above in this log"


class WaitLog:
    """The result of the last look at a wait, logged in the context of the wait.

    A triggerer decides by context variables to which log a line goes. A poll loop serves many waits, so the variables
    are copied when the wait begins.

    :param last_look: Result of a look that was made before the wait began.
    """

    def __init__(self, last_look: str = "") -> None:
        self.last_look = last_look
        self._failing = False
        self._context = copy_context()

    def not_yet(self, why: str) -> None:
        """Record a look: the wait is not met yet."""
        self.last_look = why
        self._failing = False

    def happened(self, line: str) -> None:
        """Log what a look has found to have happened."""
        self._context.run(log.info, "%s", visible(line))

    def look_failed(self, why: str, seconds: float | None = None) -> None:
        """Record a look that failed; the first of several in a row is logged at once.

        :param seconds: Seconds until the next look, if it was put off.
        """
        self.last_look = why
        if not self._failing:
            after = "" if seconds is None else f", next try in {seconds:.1f} s"
            self._context.run(log.warning, "Could not look, waiting on%s: %s", visible(after), visible(why))
        self._failing = True

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """Log the result of the last look now and then, while the block runs."""
        self._schedule_report()
        try:
            yield
        finally:
            self._timer.cancel()

    def _schedule_report(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(REPORT_EVERY, self._report, context=self._context)

    def _report(self) -> None:
        log.info("Waiting on. The last look: %s", visible(self.last_look or EARLIER_LOOK))
        self._schedule_report()

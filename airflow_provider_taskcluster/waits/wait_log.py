"""The lines of one wait in its own task's log, whoever looks for it."""

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

# Seconds after which a wait that goes on says so. Users are promised five minutes.
SAID_EVERY = 240.0
# What the last look came to until the first one of this wait.
BEFORE = "that of the worker, or of another triggerer, above in this log"


class WaitLog:
    """What the last look came to, and how to say it in the context of the wait.

    A triggerer tells by context variables to which log a line goes. The one who looks serves many waits, so the
    variables are copied where the wait begins.

    :param last_look: What a look came to that was made before the wait began.
    """

    def __init__(self, last_look: str = "") -> None:
        self.last_look = last_look
        self._missed = False
        self._context = copy_context()

    def looked(self, why: str) -> None:
        """Take note of a look: it is not there yet."""
        self.last_look = why
        self._missed = False

    def missed(self, why: str, seconds: float | None = None) -> None:
        """Take note of a look that came to nothing; the first one is told at once.

        :param seconds: When the next one is due, if it had to be put off.
        """
        self.last_look = why
        if not self._missed:
            after = "" if seconds is None else f", next try in {seconds:.1f} s"
            self._context.run(log.warning, "Could not look, waiting on%s: %s", visible(after), visible(why))
        self._missed = True

    @contextmanager
    def said(self) -> Iterator[None]:
        """Say now and then what the last look came to, as long as the block waits."""
        self._say_later()
        try:
            yield
        finally:
            self._timer.cancel()

    def _say_later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(SAID_EVERY, self._say, context=self._context)

    def _say(self) -> None:
        log.info("Waiting on. The last look: %s", visible(self.last_look or BEFORE))
        self._say_later()

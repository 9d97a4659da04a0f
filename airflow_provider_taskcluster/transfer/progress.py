"""Progress of a transfer: a line in the log every few seconds, and calls of a listener."""

from __future__ import annotations

import functools
import logging
import math
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ParamSpec

from airflow_provider_taskcluster.common.messages import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_taskcluster.transfer.model import TransferResult

log = logging.getLogger(__name__)

MB = 1_000_000
P = ParamSpec("P")


@dataclass(frozen=True)
class Progress:
    """The state of a transfer at one moment.

    :param name: Name of the object or artifact.
    :param done: Bytes that have arrived (of the body as it is stored). A restart rolls it back.
    :param total: Size of the whole in bytes, None if that is not known.
    :param attempt: 1, plus one for each request that failed.
    :param seconds: Seconds since the beginning.
    """

    name: str
    done: int
    total: int | None
    attempt: int
    seconds: float

    def __str__(self) -> str:
        speed = self.done / self.seconds if self.seconds else 0.0
        parts = [f"{self.name!r}: {self.done / MB:.1f} MB, {speed / MB:.1f} MB/s, attempt {self.attempt}"]
        if self.total:
            parts[0] = f"{self.name!r}: {self.done * 100 // self.total}% of {self.total / MB:.1f} MB"
            parts.append(f"{speed / MB:.1f} MB/s, {_time_left(self.total - self.done, speed)}, attempt {self.attempt}")
        return ", ".join(parts)


class Reporter:
    """Counts the bytes of a transfer; reports to the log and a listener, at most every ``interval`` seconds.

    :param listener: Called with a :class:`Progress`, in the thread that moves bytes.
    """

    def __init__(self, name: str, interval: float, listener: Callable[[Progress], None] | None = None) -> None:
        self.attempt = 1
        self.total: int | None = None
        self._name = name
        self._interval = interval
        self._listener = listener
        self._done = 0
        self._started = self._last = time.monotonic()
        self._lock = threading.Lock()

    def advance(self, count: int) -> None:
        """Count bytes that have arrived."""
        with self._lock:
            self._done += count
            now = time.monotonic()
            due = now - self._last >= self._interval
            if due:
                self._last = now
        if due:
            log.info("%s", visible(self.now()))
            self._notify()

    def restart(self, total: int | None) -> None:
        """Count from the first byte again.

        :param total: Size of the whole in bytes, None if that is not known.
        """
        with self._lock:
            self._done, self.total = 0, total

    def count_failure(self) -> None:
        """Count a request that failed."""
        with self._lock:
            self.attempt += 1

    def finish(self) -> None:
        """Report the end to the listener."""
        self._notify()

    def now(self) -> Progress:
        """Return the progress at this moment."""
        return Progress(self._name, self._done, self.total, self.attempt, time.monotonic() - self._started)

    def _notify(self) -> None:
        if self._listener:
            self._listener(self.now())


class PartReporter(Reporter):
    """Reports the bytes of one part to the reporter of the whole.

    :param check: Raises the error of the whole, if it has failed.
    :param on_begin: Called with the size of the part in bytes, None if that is not known, each time the part starts.
    """

    def __init__(
        self,
        whole: Reporter,
        check: Callable[[], None] = lambda: None,
        on_begin: Callable[[int | None], None] = lambda _: None,
    ) -> None:
        super().__init__("", math.inf)
        self._whole = whole
        self._check = check
        self._on_begin = on_begin

    def advance(self, count: int) -> None:
        """Count bytes that have arrived.

        :raises BaseException: The error of the whole.
        """
        self._check()
        self._done += count
        self._whole.advance(count)

    def restart(self, total: int | None) -> None:
        """Count the part from its first byte again; its bytes so far are subtracted from the whole."""
        self.total = total
        self._on_begin(total)
        self._whole.advance(-self._done)
        self._done = 0

    def count_failure(self) -> None:
        """Count a request that failed.

        :raises BaseException: The error of the whole: the part is not tried again.
        """
        super().count_failure()
        self._whole.count_failure()
        self._check()

    def finish(self) -> None:
        """Report nothing: the whole has not ended."""


class TotalSize:
    """Keeps the total of a reporter: the sum of the sizes of its parts, once all are known.

    :param whole: The reporter of all parts.
    :param sizes: Size of each part, in bytes; None where it is not known yet.
    """

    def __init__(self, whole: Reporter, sizes: Mapping[str, int | None]) -> None:
        self._whole = whole
        self._known = {name: size for name, size in sizes.items() if size is not None}
        self._unknown = sizes.keys() - self._known.keys()
        self._sum = sum(self._known.values())
        self._lock = threading.Lock()
        whole.restart(None if self._unknown else self._sum)

    def learn(self, name: str, size: int | None) -> None:
        """Record the size of a part, None if it is not known yet."""
        with self._lock:
            if size is not None:
                self._sum += size - self._known.get(name, 0)
                self._known[name] = size
                self._unknown.discard(name)
            self._whole.total = None if self._unknown else self._sum


def timed(transfer: Callable[P, TransferResult]) -> Callable[P, TransferResult]:
    """Return a transfer whose result has its seconds, from the first call to the last."""

    @functools.wraps(transfer)
    def measured(*args: P.args, **kwargs: P.kwargs) -> TransferResult:
        started = time.monotonic()
        result = transfer(*args, **kwargs)
        return replace(result, seconds=time.monotonic() - started)

    return measured


def _time_left(count: int, speed: float) -> str:
    if not speed:
        return "time left unknown"
    minutes, seconds = divmod(round(count / speed), 60)
    return f"{minutes} min {seconds} s left" if minutes else f"{seconds} s left"

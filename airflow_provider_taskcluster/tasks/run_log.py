"""The log of one run as bytes: the live stream while it goes on, then the backing log from where the stream ended."""

from __future__ import annotations

import logging
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common.messages import one_line, visible
from airflow_provider_taskcluster.common.task_states import RESOLVED
from airflow_provider_taskcluster.exceptions import (
    ArtifactError,
    NotFound,
    NotStoredYet,
)
from airflow_provider_taskcluster.tasks.backing_log import BackingLog
from airflow_provider_taskcluster.tasks.live_reader import LiveReader
from airflow_provider_taskcluster.tasks.live_stream import BUFFERED
from airflow_provider_taskcluster.tasks.log_finder import LogFinder
from airflow_provider_taskcluster.tasks.log_position import Continuation, LogPosition, PrefixDiffers

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from airflow_provider_taskcluster.services.schemas import TaskRun
    from airflow_provider_taskcluster.tasks.live_hosts import LiveHosts
    from airflow_provider_taskcluster.tasks.log_calls import LogCalls
    from airflow_provider_taskcluster.tasks.log_names import LogNames
    from airflow_provider_taskcluster.tasks.status_watch import StatusWatch
    from airflow_provider_taskcluster.transfer.download.artifact import ArtifactDownloader

log = logging.getLogger(__name__)

# Seconds after a run's end in which its log may still come. That of a completed or failed run is there with its state,
# but for an object that is about to be finished. A worker may add the log of an exception for 25 minutes, and mostly
# there is no worker any more: nobody waits that long for a log.
LATE, LATE_AFTER_EXCEPTION = 60.0, 20.0
# Seconds by which the clocks of the queue and of this machine may differ.
CLOCK_SKEW = 300.0
# Seconds between two looks for the log of a run that has ended.
LOOK_EVERY = 2.0
# Seconds that a wait for the next bytes takes, after which the status may be due.
_SLICE = 0.2
# Seconds of silence after which a live log that is not followed counts as read, and seconds that it is read at most.
CAUGHT_UP, LONGEST_CATCHING_UP = 2.0, 60.0


@dataclass(frozen=True)
class LogNote:
    """A line of ours between the bytes of a log. It ends the line before it; the bytes behind it begin anew."""

    text: str


@dataclass(frozen=True)
class LogAccess:
    """What reading the logs of one task takes.

    :param sleep: Waits some seconds; raises an error once the hook is stopped.
    """

    task_id: str
    calls: LogCalls
    artifacts: ArtifactDownloader
    hosts: LiveHosts
    sleep: Callable[[float], None]


class RunLog:
    """The log of one run.

    :param names: Names of its artifacts; if they are missing, the definition of the task may rename them.
    """

    def __init__(self, access: LogAccess, watch: StatusWatch, run_id: int, names: LogNames) -> None:
        self._access = access
        self._watch = watch
        self._run_id = run_id
        self._finder = LogFinder(access.calls, run_id, names)
        self._position = LogPosition()
        self._label = f"task {access.task_id}, run {run_id}"
        self._live = LiveReader(
            self._label,
            self._finder.live_url,
            self._position,
            hosts=access.hosts,
            network=access.artifacts.config.network,
            sleep=access.sleep,
            interval=watch.interval,
        )

    def followed(self) -> Generator[bytes | LogNote, None, None]:
        """Yield the log until the run is resolved and its log is through."""
        try:
            while self._state() not in RESOLVED:
                yield from self._next(_SLICE, live=self._state() == "running")
            yield from self._after_the_end()
        finally:
            self._live.close()

    def now(self) -> Generator[bytes | LogNote, None, None]:
        """Yield the log as it is now: of a run that goes on, until the live log is silent for a moment."""
        try:
            if self._state() in RESOLVED:
                yield from self._after_the_end()
            elif self._state() == "running":
                found = yield from self._stored_rest()  # it is there a little before the end
                if not found:
                    yield from self._caught_up()
        finally:
            self._live.close()

    def _run(self) -> TaskRun:
        run = self._watch.run(self._run_id)
        if run is None:
            raise NotFound(f"There is no {self._label} any more: its task has expired", status=404)
        return run

    def _state(self) -> str:
        return self._run()["state"]

    def _next(self, timeout: float, *, live: bool = True) -> Iterator[bytes]:
        """Yield the next bytes of the live log, if there are any in time; ask for the status if it is due."""
        if not live:
            self._access.sleep(timeout)
        elif block := self._live.next_block(timeout):
            self._position.advance(block)
            yield block
        self._watch.look()

    def _caught_up(self) -> Iterator[bytes | LogNote]:
        begun = heard = time.monotonic()
        while time.monotonic() < min(heard + CAUGHT_UP, begun + LONGEST_CATCHING_UP):
            for block in self._next(_SLICE):
                yield block
                heard = time.monotonic()
            if self._live.is_connecting:
                heard = time.monotonic()

    def _after_the_end(self) -> Iterator[bytes | LogNote]:
        """Yield the rest from the store; until it is there, for a limited time, what the live log still has."""
        if "started" not in self._run():
            yield LogNote(f"Run {self._run_id} has no log: it ended before a worker began it")
            return
        left = None
        while True:
            begun = time.monotonic()
            found = yield from self._stored_rest()
            if found:
                return
            left = self._seconds_left() if left is None else left
            if left <= 0:
                break
            while time.monotonic() < begun + min(LOOK_EVERY, left):
                yield from self._next(min(_SLICE, left))
            if not self._finder.failing:
                left -= time.monotonic() - begun
        yield from self._buffered()
        what = "no more of its log is" if self._position.count else "no log is"
        yield LogNote(f"Run {self._run_id}: {what} in the store ({one_line(self._finder.names.backing)})")

    def _buffered(self) -> Iterator[bytes]:
        """Yield what came live and was not taken yet; not what comes meanwhile, since a worker may go on for long."""
        first = self._position.count
        while self._position.count - first < BUFFERED and (block := self._live.next_block(0)):
            self._position.advance(block)
            yield block

    def _seconds_left(self) -> float:
        """Return how long to wait for the log: not at all if the run ended long ago, or has none."""
        run = self._run()
        late = LATE_AFTER_EXCEPTION if run["state"] == "exception" else LATE
        try:
            age = (datetime.now(UTC) - datetime.fromisoformat(run["resolved"])).total_seconds()
        except (KeyError, ValueError, TypeError):
            return late
        if age > late + CLOCK_SKEW:
            return 0.0
        # of a completed or failed run, artifacts cannot be added afterwards
        return late if run["state"] == "exception" or self._finder.is_listed() else 0.0

    def _stored_rest(self) -> Generator[bytes | LogNote, None, bool]:
        """Yield the rest of the log from the store; return whether it was there."""
        name = self._finder.stored_name()
        if name is None:
            return False
        try:
            is_whole = yield from self._continued(name)
            if not is_whole:
                yield LogNote(f"Run {self._run_id}: its log in the store is not what came live: here it is as a whole")
                yield from self._blocks(name)
        except (NotFound, NotStoredYet) as error:
            log.debug("The log of %s is not stored yet: %s", visible(self._label), visible(error))
            return False
        except ArtifactError as error:
            yield LogNote(f"Run {self._run_id}: its log cannot be read: {one_line(error)}")
        return True

    def _continued(self, name: str) -> Generator[bytes, None, bool]:
        """Yield the bytes behind those that came live; return False if the store has another beginning."""
        continuation = None
        try:
            for block in self._blocks(name):
                if continuation is None:  # now that it is there, nothing is missed by ending the live log
                    self._live.give_up()
                    continuation = Continuation(self._position)
                if rest := continuation.rest_of(block):
                    self._position.advance(rest)
                    yield rest
            if continuation is not None:
                continuation.check_end()
        except PrefixDiffers:
            return False
        return True

    def _blocks(self, name: str) -> Iterator[bytes]:
        stored = BackingLog(self._access.artifacts, self._access.task_id, self._run_id)
        with closing(stored.blocks(name)) as blocks:
            for block in blocks:
                yield block
                self._watch.look()

"""The rest of a large body over several connections at once.

Each thread fetches one piece after the other into a buffer, writes it to its place in the file, and hands it to the
hashers, who take the pieces in order. A piece holds its buffer until then, which bounds the memory.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common.retry import TRY_AGAIN
from airflow_provider_taskcluster.exceptions import StoreError, Truncated
from airflow_provider_taskcluster.transfer.config import MIB
from airflow_provider_taskcluster.transfer.download.plan import SEGMENT, segments
from airflow_provider_taskcluster.transfer.http.ranges import PARTIAL, UNSATISFIABLE, ByteRange, Facts, match_partial
from airflow_provider_taskcluster.transfer.http.request import get_response
from airflow_provider_taskcluster.transfer.threads.buffers import Block, BufferPool
from airflow_provider_taskcluster.transfer.threads.worker import Worker, run_all

if TYPE_CHECKING:
    from airflow_provider_taskcluster.transfer.download.receiver import Intake
    from airflow_provider_taskcluster.transfer.http.client import StoreClient
    from airflow_provider_taskcluster.transfer.http.grants import Renewable
    from airflow_provider_taskcluster.transfer.http.response import StoreResponse
    from airflow_provider_taskcluster.transfer.model import Grant

# Pieces that may wait for the hashers while all connections are busy.
AHEAD = 3
# Bytes received and written at a time.
STRIDE = MIB


class StartOver(Exception):
    """The store does not go on with the body that the first answer began."""


@dataclass
class _Piece:
    """One range, and how much of it is in its buffer."""

    number: int
    wanted: ByteRange
    buffer: memoryview
    filled: int = 0

    @property
    def length(self) -> int:
        assert self.wanted.end is not None
        return self.wanted.end - self.wanted.start


class ParallelRanges:
    """Fetches what an intake still lacks.

    :param connections: How many at once.
    :param hashed: Sums will tell whether all the bytes are of one body.
    """

    def __init__(
        self,
        intake: Intake,
        facts: Facts,
        grants: Renewable[Grant],
        store: StoreClient,
        connections: int,
        *,
        hashed: bool,
    ) -> None:
        assert facts.total is not None
        count = min(connections, -(-(facts.total - intake.offset) // SEGMENT))
        self._intake = intake
        self._facts = facts
        self._grants = grants
        self._store = store
        self._failure = intake.failure
        self._hashed = hashed
        self._pool = BufferPool(count + AHEAD, SEGMENT, self._failure)
        self._pieces = enumerate(segments(intake.offset, facts.total))
        self._taking = threading.Lock()
        self._handing_over = threading.Lock()
        self._writing = threading.Lock()
        self._next = 0
        self._waiting: dict[int, Block] = {}
        self._threads = [Worker(f"taskcluster-range-{number}", self._work) for number in range(count)]

    def run(self) -> None:
        """Fetch it all; return when every piece is written and handed to the hashers.

        :raises StartOver: Ranges do not work out after all.
        """
        try:
            run_all(self._threads, self._fail)
        finally:
            self._pool.close()
        self._failure.check()

    def _fail(self, error: BaseException) -> None:
        with self._writing:  # after this nobody writes, however late
            self._failure.set(error)
        self._store.abort(self._threads)

    def _work(self) -> None:
        policy = self._store.network.retry
        try:
            while (piece := self._take_piece()) is not None:
                loop = policy.retrying(
                    progress=partial(getattr, piece, "filled"),
                    sleep=partial(self._store.sleep, failure=self._failure),
                    failed=self._intake.reporter.count_failure,
                )
                while piece.filled < piece.length:  # a range may be answered in part
                    loop(self._fetch, piece)
                self._hand_over(piece)
        except BaseException as error:  # noqa: BLE001 (raised by run, in the caller's thread)
            self._fail(error)

    def _take_piece(self) -> _Piece | None:
        """Return the next piece and a buffer: in order, so that the earliest piece never waits for a buffer."""
        with self._taking:
            number, wanted = next(self._pieces, (0, None))
            return None if wanted is None else _Piece(number, wanted, self._pool.take())

    def _hand_over(self, piece: _Piece) -> None:
        """Give the pieces to the hashers in order."""
        with self._handing_over:
            self._waiting[piece.number] = Block(piece.buffer[: piece.length], piece.buffer, self._pool)
            while (block := self._waiting.pop(self._next, None)) is not None:
                self._next += 1
                self._intake.take_written(block)

    def _fetch(self, piece: _Piece) -> None:
        """Make one request for what a piece still lacks."""
        self._failure.check()
        wanted = ByteRange(piece.wanted.start + piece.filled, piece.wanted.end)
        try:
            with get_response(self._store, self._grants, wanted, self._facts) as answer:
                self._receive(answer, piece, wanted.start)
        except StoreError as error:
            if error.status == UNSATISFIABLE:
                raise StartOver from error
            raise

    def _receive(self, answer: StoreResponse, piece: _Piece, start: int) -> None:
        found = None
        if answer.status == PARTIAL:
            found = match_partial(answer.headers, start, self._facts, answer.facts, hashed=self._hashed)
        if found is None:
            raise StartOver
        answer.skip(found.skip)
        stop = min(found.stop - piece.wanted.start, piece.length)
        while piece.filled < stop:
            count = answer.readinto(piece.buffer[piece.filled : min(piece.filled + STRIDE, stop)])
            if not count:
                break
            data = piece.buffer[piece.filled : piece.filled + count]
            with self._writing:  # the kernel lets one at a time write to a file, and the others spin
                self._failure.check()
                self._intake.sink.write_at(piece.wanted.start + piece.filled, data)
            piece.filled += count
            self._intake.reporter.advance(count)
        if piece.filled < stop:
            raise Truncated(f"A range ended after {piece.filled} of {stop} bytes; {TRY_AGAIN}")

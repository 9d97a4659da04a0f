"""Fetches the rest of a large body over several connections.

Each thread fetches piece after piece into a buffer, writes it at its offset in the file, and queues it for the hashers,
which take the pieces in order. A piece holds its buffer until it is hashed, which bounds the memory.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common.retry import TRY_AGAIN
from airflow_provider_taskcluster.common.worker import Worker, run_all
from airflow_provider_taskcluster.exceptions import StoreError, Truncated
from airflow_provider_taskcluster.transfer.config import MIB
from airflow_provider_taskcluster.transfer.download.plan import SEGMENT, segments
from airflow_provider_taskcluster.transfer.http.ranges import PARTIAL, UNSATISFIABLE, ByteRange, Facts, match_partial
from airflow_provider_taskcluster.transfer.http.request import get_response
from airflow_provider_taskcluster.transfer.threads.buffers import Block, BufferPool

if TYPE_CHECKING:
    from airflow_provider_taskcluster.transfer.download.receiver import Receiver
    from airflow_provider_taskcluster.transfer.http.client import StoreClient
    from airflow_provider_taskcluster.transfer.http.grants import Renewable
    from airflow_provider_taskcluster.transfer.http.response import StoreResponse
    from airflow_provider_taskcluster.transfer.model import Grant

# Buffers of pieces that wait for the hashers while all connections are busy.
SPARE_BUFFERS = 3
# Bytes received and written at a time.
STRIDE = MIB


class StartOver(Exception):
    """The store's ranges are not of the body that the first response began."""


@dataclass
class _Piece:
    """One range, and the bytes of it in its buffer."""

    number: int
    wanted: ByteRange
    buffer: memoryview
    filled: int = 0

    @property
    def length(self) -> int:
        assert self.wanted.end is not None
        return self.wanted.end - self.wanted.start


class ParallelRanges:
    """Fetches all that a receiver still lacks.

    :param connections: Connections at once.
    :param hashed: Hashes will tell whether all bytes are of one body.
    """

    def __init__(
        self,
        receiver: Receiver,
        facts: Facts,
        grants: Renewable[Grant],
        store: StoreClient,
        connections: int,
        *,
        hashed: bool,
    ) -> None:
        assert facts.total is not None
        count = min(connections, -(-(facts.total - receiver.offset) // SEGMENT))
        self._receiver = receiver
        self._facts = facts
        self._grants = grants
        self._store = store
        self._failure = receiver.failure
        self._hashed = hashed
        self._pool = BufferPool(count + SPARE_BUFFERS, SEGMENT, self._failure)
        self._pieces = enumerate(segments(receiver.offset, facts.total))
        self._take_lock = threading.Lock()
        self._hand_over_lock = threading.Lock()
        self._write_lock = threading.Lock()
        self._next = 0
        self._waiting: dict[int, Block] = {}
        self._threads = [Worker(f"taskcluster-range-{number}", self._work) for number in range(count)]

    def run(self) -> None:
        """Fetch every piece; return when all are written and queued for the hashers.

        :raises StartOver: The store does not serve consistent ranges.
        """
        try:
            run_all(self._threads, self._fail)
        finally:
            self._pool.close()
        self._failure.check()

    def _fail(self, error: BaseException) -> None:
        with self._write_lock:  # no thread writes after this
            self._failure.set(error)
        self._store.abort(self._threads)

    def _work(self) -> None:
        policy = self._store.network.retry
        try:
            while (piece := self._take_piece()) is not None:
                loop = policy.retrying(
                    progress=partial(getattr, piece, "filled"),
                    sleep=partial(self._store.sleep, failure=self._failure),
                    failed=self._receiver.reporter.count_failure,
                )
                while piece.filled < piece.length:  # a range may be answered in part
                    loop(self._fetch, piece)
                self._hand_over(piece)
        except BaseException as error:  # noqa: BLE001 (raised by run, in the caller's thread)
            self._fail(error)

    def _take_piece(self) -> _Piece | None:
        """Return the next piece and a buffer: in order, so that the earliest piece never waits for a buffer."""
        with self._take_lock:
            number, wanted = next(self._pieces, (0, None))
            return None if wanted is None else _Piece(number, wanted, self._pool.take())

    def _hand_over(self, piece: _Piece) -> None:
        """Queue the pieces for the hashers in order."""
        with self._hand_over_lock:
            self._waiting[piece.number] = Block(piece.buffer[: piece.length], piece.buffer, self._pool)
            while (block := self._waiting.pop(self._next, None)) is not None:
                self._next += 1
                self._receiver.take_written(block)

    def _fetch(self, piece: _Piece) -> None:
        """Make one request for the rest of a piece."""
        self._failure.check()
        wanted = ByteRange(piece.wanted.start + piece.filled, piece.wanted.end)
        try:
            with get_response(self._store, self._grants, wanted, self._facts) as response:
                self._receive(response, piece, wanted.start)
        except StoreError as error:
            if error.status == UNSATISFIABLE:
                raise StartOver from error
            raise

    def _receive(self, response: StoreResponse, piece: _Piece, start: int) -> None:
        span = None
        if response.status == PARTIAL:
            span = match_partial(response.headers, start, self._facts, response.facts, hashed=self._hashed)
        if span is None:
            raise StartOver
        response.skip(span.skip)
        stop = min(span.stop - piece.wanted.start, piece.length)
        while piece.filled < stop:
            count = response.readinto(piece.buffer[piece.filled : min(piece.filled + STRIDE, stop)])
            if not count:
                break
            data = piece.buffer[piece.filled : piece.filled + count]
            with self._write_lock:  # the kernel lets one thread write to a file; the others would spin
                self._failure.check()
                self._receiver.sink.write_at(piece.wanted.start + piece.filled, data)
            piece.filled += count
            self._receiver.reporter.advance(count)
        if piece.filled < stop:
            raise Truncated(f"A range ended after {piece.filled} of {stop} bytes; {TRY_AGAIN}")

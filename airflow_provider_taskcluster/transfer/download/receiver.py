"""Receives one body: decodes, writes, hashes and counts its bytes. It outlives a request that fails."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common.http.encoding import decoder_for
from airflow_provider_taskcluster.exceptions import TooLarge
from airflow_provider_taskcluster.transfer.config import MIB
from airflow_provider_taskcluster.transfer.hashing.digests import (
    Hashers,
    algorithms_to_compute,
    has_known_digest,
    verify_digests,
)
from airflow_provider_taskcluster.transfer.hashing.pipeline import Hashing
from airflow_provider_taskcluster.transfer.sink.checkpoint import Checkpoint, Pace, is_resumable
from airflow_provider_taskcluster.transfer.threads.buffers import Block, BufferPool, Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from airflow_provider_taskcluster.transfer.http.ranges import Facts
    from airflow_provider_taskcluster.transfer.progress import Reporter
    from airflow_provider_taskcluster.transfer.sink.base import Sink

log = logging.getLogger(__name__)

# Enough for the slowest hasher to fall behind briefly.
BUFFERS = 12
# Bytes, and seconds, after which a checkpoint is saved.
RECORD_BYTES = 8 * MIB
RECORD_SECONDS = 1.0


class _WriterAsHasher:
    """Adapter that lets a hashing thread write to the sink."""

    def __init__(self, write: Callable[[bytes | memoryview], None]) -> None:
        self._write = write

    def update(self, data: bytes | memoryview) -> None:
        """Write the next bytes."""
        self._write(data)

    def digests(self) -> dict[str, str]:
        """Return none."""
        return {}


class Receiver:
    """Receives the bytes of one body in order.

    :param name: Object or artifact name, for errors.
    :param key: Identifies the body in checkpoints.
    :param hashes: Digests that the service names.
    :param digests: Further algorithms to compute.
    :param buffer_size: Bytes of one buffer.
    :param max_bytes: Refuse more than this; None for no limit.
    """

    def __init__(
        self,
        name: str,
        *,
        key: str,
        hashes: Mapping[str, str],
        digests: Iterable[str],
        sink: Sink,
        reporter: Reporter,
        buffer_size: int,
        max_bytes: int | None,
    ) -> None:
        self.sink = sink
        self.reporter = reporter
        self.failure = Failure()
        self.pool = BufferPool(0, 0, self.failure)
        self.facts: Facts | None = None
        self.offset = 0
        self.size = 0
        self._name = name
        self._key = key
        self._hashes = hashes
        self._algorithms = algorithms_to_compute(hashes, digests)
        self._buffer_size = buffer_size
        self._max_bytes = max_bytes
        self._hashing = Hashing([], self.failure)
        self._writing = Hashing([_WriterAsHasher(self._write)], self.failure)
        self._pace = Pace()
        self._recorded_offset = 0
        self._stored = 0  # bytes of an identity body in the sink: behind ``offset`` while a thread writes
        self._resumed_offset = 0
        self._marked = False

    def begin(self, facts: Facts) -> None:
        """Start from the first byte, and drop all earlier bytes."""
        self._check_limit(0 if facts.encoding else facts.total or 0)
        self._reset(facts)
        self.sink.begin(None if facts.encoding else facts.total)

    def set_total(self, total: int | None) -> None:
        """Set the length, which only a later response named."""
        assert self.facts is not None
        self.facts = replace(self.facts, total=total)
        self.reporter.total = total

    def resume(self, check: Callable[[], None]) -> bool:
        """Resume from the checkpoint of an earlier process on this disk, if there is one; hash its bytes again.

        :param check: Called for each block; an error that it raises ends the hashing.
        """
        record = self.sink.resume(self._key)
        if record is None:
            return False
        self._reset(record.facts)
        self._resumed_offset = record.offset
        if not self._algorithms:
            self._stored = record.offset
            self._advance(record.offset)
            self.reporter.advance(record.offset)
        while self.offset < record.offset:
            check()
            buffer = self.pool.take()
            count = self.sink.read_at(self.offset, buffer[: record.offset - self.offset])
            self.take_written(Block(buffer[:count], buffer, self.pool))
            self.reporter.advance(count)
        log.info("Going on with %r after %d bytes that are here already", self._name, self.offset)
        return True

    def take(self, buffer: memoryview, count: int) -> None:
        """Take the next bytes of the (encoded) body, from the start of one of the pool's buffers."""
        data = buffer[:count]
        assert self.facts is not None
        if not self.facts.encoding:
            self._check_limit(self.size + count)
            self._take_identity(Block(data, buffer, self.pool))
        else:
            self._decode(data)
            self.pool.give_back(buffer)
            self.offset += count
        self.reporter.advance(count)

    def _take_identity(self, block: Block) -> None:
        """Write in this thread if others hash; if nothing is hashed, let a thread write while this one receives."""
        if self._algorithms:
            self._write(block.data)
            self._hash(block)
        else:
            self._writing.feed(block)
            self._advance(len(block.data))

    def _write(self, data: bytes | memoryview) -> None:
        self.sink.write(data)
        self._stored += len(data)

    def _decode(self, data: memoryview) -> None:
        for piece in self._decoder.decode(data):
            self.size += len(piece)
            self._check_limit(self.size)
            self.sink.write(piece)
            self._hashing.feed(Block(piece, self.pool.take(), self.pool))

    def take_written(self, block: Block) -> None:
        """Hash the next bytes of an identity body that are already in the sink."""
        self._stored += len(block.data)
        self._hash(block)

    def _hash(self, block: Block) -> None:
        count = len(block.data)
        self._hashing.feed(block)
        self._advance(count)

    def _advance(self, count: int) -> None:
        self.offset += count
        self.size += count
        self.failure.check()
        overdue = self._pace.seconds() > RECORD_SECONDS
        if (overdue or self.offset - self._recorded_offset >= RECORD_BYTES) and self._pace.allows():
            self.save_checkpoint()

    def end(self, *, marked: bool) -> None:
        """Check that the decoded content is complete at the end of the body.

        :param marked: The response's framing marked its end, so that it cannot be cut short.
        :raises Truncated: The content is incomplete.
        """
        self._decoder.finish()
        self._marked = marked

    def flush(self) -> None:
        """Wait until all received bytes are written.

        :raises BaseException: Writing or hashing failed.
        """
        self._writing.stop()
        self.failure.check()

    def verified(self) -> tuple[dict[str, str], str]:
        """Return the digests, and how the content was verified.

        :raises HashMismatch: A digest is not what the service says.
        """
        assert self.facts is not None
        self.flush()
        digests = self._hashing.digests()
        if checked := verify_digests(self._name, self._hashes, digests):
            return digests, checked
        if self._marked or self.facts.total is not None or self.facts.encoding:
            return digests, "length"
        log.warning("%r came without a length, and there is no hash: nobody can tell whether it is whole", self._name)
        return digests, "none"

    def save_checkpoint(self) -> None:
        """Save a checkpoint if the sink supports it: never behind that of an earlier process."""
        self._recorded_offset = self.offset
        if self.facts is None or self.facts.total is None or not is_resumable(self.facts, self._hashes):
            return
        # One byte is left for the next try to request, so that the store confirms that it still has this body.
        stored = min(self._stored, self.facts.total - 1)
        if stored > self._resumed_offset:
            with self._pace.recording():
                self.sink.note(Checkpoint(self._key, self.facts, stored, hashed=has_known_digest(self._hashes)))

    def stop(self) -> None:
        """Stop the hashing and writing threads, and release the buffers."""
        self._hashing.stop()
        self._writing.stop()
        self.pool.close()

    def _reset(self, facts: Facts) -> None:
        self.stop()
        self._hashing = Hashing([Hashers([name]) for name in self._algorithms], self.failure)
        # No larger than the body: allocating memory is the main cost of a small download.
        size = self._buffer_size if facts.total is None else min(self._buffer_size, max(facts.total, 1))
        self.pool = BufferPool(BUFFERS, size, self.failure)
        self._decoder = decoder_for(facts.encoding, self._buffer_size)
        self.facts = facts
        self.offset = self.size = self._stored = self._recorded_offset = self._resumed_offset = 0
        self.reporter.restart(facts.total)

    def _check_limit(self, size: int) -> None:
        if self._max_bytes is not None and size > self._max_bytes:
            raise TooLarge(f"{self._name!r} has more than the {self._max_bytes} bytes allowed: raise max_bytes")

"""Hashes a source ahead, in a thread with a reader of its own, while another thread measures or sends it.

Fingerprints show that the measuring, the hashing and the sending thread all read the same bytes.
"""

from __future__ import annotations

import contextlib
import queue
from typing import TYPE_CHECKING, BinaryIO, Self, cast

from airflow_provider_taskcluster.common.worker import Worker
from airflow_provider_taskcluster.transfer.config import KIB, MIB
from airflow_provider_taskcluster.transfer.hashing.digests import Hashers
from airflow_provider_taskcluster.transfer.source.reading import fill

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_taskcluster.transfer.hashing.fingerprint import Fingerprint
    from airflow_provider_taskcluster.transfer.source.base import Source
    from airflow_provider_taskcluster.transfer.source.reading import Reader

# Below this a thread costs more than it saves.
WORTH_A_THREAD = 8 * MIB
BLOCK = 256 * KIB
# Seconds without a call of ``advance_to`` after which the thread ends: its owner was interrupted.
SILENCE = 5.0


class FingerprintedHashers(Hashers):
    """Hashers that also fingerprint the bytes, which may come from several readers.

    :param measured: The fingerprint to compare with.
    """

    def __init__(self, algorithms: Iterable[str], measured: Fingerprint) -> None:
        super().__init__(algorithms)
        self._measured = measured
        self._fingerprint = measured.with_same_key()

    def update(self, data: bytes | memoryview) -> None:
        """Take the next bytes."""
        self._fingerprint.update(data)
        super().update(data)

    def matches_measured(self) -> bool:
        """Return whether the bytes hashed are those that were measured."""
        return self._fingerprint.matches(self._measured)


class ReadAhead:
    """Continues hashers in a thread, up to the offset given by ``advance_to``, until it is closed.

    It stops silently at bytes that it cannot read: ``hashers.seen`` tells how far it got.

    :param size: Size of the source in bytes, where the thread ends; None if that is not known.
    """

    def __init__(self, source: Source, hashers: Hashers, size: int | None = None) -> None:
        self._source = source
        self._hashers = hashers
        self._size = size
        self._thread: Worker | None = None
        self._closed = False
        self._reached: queue.SimpleQueue[int] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def advance_to(self, reached: int) -> None:
        """Allow the thread to hash up to an offset. Start it when that is worth it."""
        if not self._source.independent:
            return
        self._reached.put(reached)
        worth = reached - self._hashers.seen > WORTH_A_THREAD
        if worth and not (self._thread or self._closed):
            self._thread = Worker("taskcluster-measuring", self._run)
            with contextlib.suppress(RuntimeError):  # no more threads for this process: the owner hashes alone
                self._thread.start()

    def close(self) -> None:
        """Stop the thread; afterwards the caller may use the hashers.

        This works even if the start of the thread failed or was interrupted by a signal.
        """
        self._closed = True
        self._reached.put(0)
        if self._thread:
            self._thread.wait()
        self._thread = None  # breaks a reference cycle, which would keep the source until the next collection

    def _run(self) -> None:
        with contextlib.suppress(Exception), self._source.reading() as reader:
            self._read(reader)

    def _read(self, reader: Reader) -> None:
        if self._hashers.seen:
            cast("BinaryIO", reader).seek(self._hashers.seen)
        buffer = memoryview(bytearray(BLOCK))
        reached = 0
        while not self._closed and self._hashers.seen != self._size:
            reached = max(reached, self._reached.get(timeout=SILENCE))
            while self._hashers.seen < reached and not self._closed:
                if not (count := fill(reader, buffer[: reached - self._hashers.seen])):
                    return
                self._hashers.update(buffer[:count])


class ReadAheadHashers:
    """Continues hashers while a source is sent: a thread reads ahead until the sender catches up with it.

    :param begun: Hashers that have seen the first bytes of the source.
    :param size: Size of the source in bytes.
    """

    def __init__(self, source: Source, begun: Hashers, size: int) -> None:
        self._hashers = begun
        self._read_ahead = ReadAhead(source, self._hashers, size)
        self._size = size
        self._sent = 0

    def update(self, data: bytes | memoryview) -> None:
        """Take the next bytes sent."""
        if not self._sent and self._hashers.seen:  # not in __init__: its caller may be interrupted
            self._read_ahead.advance_to(self._size)
        start, self._sent = self._sent, self._sent + len(data)
        if self._hashers.seen < self._sent:
            self._read_ahead.close()
            self._hashers.update(memoryview(data)[max(0, self._hashers.seen - start) :])

    def digests(self) -> dict[str, str]:
        """Return the digests of all bytes, by algorithm, in hex."""
        self._read_ahead.close()
        return self._hashers.digests()

    def matches_measured(self) -> bool:
        """Return whether the concurrent reader saw the measured bytes; call it when all are sent."""
        return not isinstance(self._hashers, FingerprintedHashers) or self._hashers.matches_measured()

    def close(self) -> None:
        """End the thread."""
        self._read_ahead.close()

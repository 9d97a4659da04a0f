"""An iterator over the chunks of one file, which the engine pushes from a thread of its own.

The engine runs only while the caller waits for the next chunk, so at most one chunk is in memory. The last chunk of a
file is returned after the whole is verified.
"""

from __future__ import annotations

import io
from queue import SimpleQueue
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common.worker import Worker
from airflow_provider_taskcluster.exceptions import NotAsAnnounced
from airflow_provider_taskcluster.transfer.hashing.digests import Hashers
from airflow_provider_taskcluster.transfer.sink.base import Sink

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

# Seconds to wait for the thread's end after the caller stops iterating.
GRACE = 5.0


class Abandoned(Exception):
    """The caller has stopped iterating."""


class ChunkSink(Sink):
    """Sink that hands over its bytes in chunks, and blocks until the next chunk is requested.

    Bytes cannot be taken back: if the engine starts over, they are compared with the new ones.

    :param give: Takes a chunk, and returns when the next one is requested.
    """

    def __init__(self, name: str, chunk_size: int, give: Callable[[bytes], None]) -> None:
        self.size: int | None = None
        self._name = name
        self._chunk_size = chunk_size
        self._hand_over = give
        self._given = Hashers(["sha256"])
        self._again = self._given  # bytes since the engine started over
        self._chunk = io.BytesIO()

    def begin(self, size: int | None) -> None:
        """Start from the first byte; bytes that were handed over are not repeated."""
        self.size = size
        self._chunk = io.BytesIO()
        self._again = Hashers(["sha256"])

    def write(self, data: bytes | memoryview) -> None:
        """Take the next bytes. A full chunk is handed over only when more bytes follow, so the last one is verified."""
        fresh = self._compared(memoryview(data))
        while fresh:
            room = self._chunk_size - self._chunk.tell()
            if not room:
                self._give_chunk()
                continue
            self._chunk.write(fresh[:room])
            fresh = fresh[room:]

    def _compared(self, data: memoryview) -> memoryview:
        """Return the bytes that were not handed over before; compare the others."""
        missing = self._given.seen - self._again.seen
        if missing > 0:
            self._again.update(data[:missing])
            if self._again.seen == self._given.seen and self._again.digests() != self._given.digests():
                raise self._changed()
        return data[max(0, missing) :]

    def _give_chunk(self) -> None:
        chunk = self._chunk.getvalue()
        self._chunk = io.BytesIO()
        self._given.update(chunk)
        self._again = self._given
        self._hand_over(chunk)

    def commit(self) -> None:
        """Hand over the last chunk, which may be empty if it is the only one."""
        if self._again.seen < self._given.seen:  # after starting over, the body is shorter
            raise self._changed()
        if self._chunk.tell() or not self._given.seen:
            self._give_chunk()

    def _changed(self) -> NotAsAnnounced:
        return NotAsAnnounced(f"{self._name!r} has changed in the store while it was read: read it once more")

    def discard(self) -> None:
        """Drop the bytes that were not handed over."""
        self._chunk = io.BytesIO()


class Chunks:
    """Iterable over the chunks of one file.

    :param fetch: Downloads the file into the given sink; runs in a thread.
    """

    def __init__(self, name: str, chunk_size: int, fetch: Callable[[Sink], object]) -> None:
        self.sink = ChunkSink(name, chunk_size, self._hand_over)
        self._fetch = fetch
        self._requests: SimpleQueue[None] = SimpleQueue()
        self._replies: SimpleQueue[None] = SimpleQueue()
        self._chunk: bytes | None = None
        self._error: BaseException | None = None
        self._abandoned = False

    def __iter__(self) -> Generator[bytes, None, None]:
        """Yield the chunks in order; raise an error of the engine."""
        worker = Worker("taskcluster-chunks", self._work)
        worker.start()
        try:
            while (chunk := self._next()) is not None:
                yield chunk
                del chunk  # free it before the next one arrives
        finally:
            self._abandoned = True
            self._requests.put(None)
            worker.wait(GRACE)

    def _next(self) -> bytes | None:
        self._requests.put(None)
        self._replies.get()
        if self._error:
            raise self._error
        chunk, self._chunk = self._chunk, None
        return chunk

    def _work(self) -> None:
        try:
            self._wait()
            self._fetch(self.sink)
        except BaseException as error:  # noqa: BLE001 (raised by _next, in the caller's thread)
            self._error = error
        self._replies.put(None)

    def _hand_over(self, chunk: bytes) -> None:
        self._chunk = chunk
        del chunk
        self._replies.put(None)
        self._wait()

    def _wait(self) -> None:
        self._requests.get()
        if self._abandoned:
            raise Abandoned

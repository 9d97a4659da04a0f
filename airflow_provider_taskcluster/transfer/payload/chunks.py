"""The bytes of one file as chunks that are pulled, out of an engine that pushes them.

The engine works in a thread of its own, and only while the next chunk is waited for: no more than one is in memory. The
last chunk of a file is given out when all of it is verified.
"""

from __future__ import annotations

import io
from queue import SimpleQueue
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.exceptions import NotAsAnnounced
from airflow_provider_taskcluster.transfer.hashing.digests import Hashers
from airflow_provider_taskcluster.transfer.sink.base import Sink
from airflow_provider_taskcluster.transfer.threads.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

# Seconds that the thread gets to end when nobody wants more chunks.
GRACE = 5.0


class Abandoned(Exception):
    """Nobody wants the rest."""


class ChunkSink(Sink):
    """Gives out what arrives, a chunk at a time, and waits until the next one is asked for.

    What was given out cannot be taken back: when the engine begins anew, it is compared with what comes then.

    :param give: Takes a chunk, and returns when the next one is wanted.
    """

    def __init__(self, name: str, chunk_size: int, give: Callable[[bytes], None]) -> None:
        self.size: int | None = None
        self._name = name
        self._chunk_size = chunk_size
        self._give = give
        self._given = Hashers(["sha256"])
        self._again = self._given  # what came since the engine began anew
        self._chunk = io.BytesIO()

    def begin(self, size: int | None) -> None:
        """Start from the first byte; what was given out is not given out again."""
        self.size = size
        self._chunk = io.BytesIO()
        self._again = Hashers(["sha256"])

    def write(self, data: bytes | memoryview) -> None:
        """Take the next bytes. A full chunk is given out when more comes, so never before the end is verified."""
        fresh = self._compared(memoryview(data))
        while fresh:
            room = self._chunk_size - self._chunk.tell()
            if not room:
                self._give_chunk()
                continue
            self._chunk.write(fresh[:room])
            fresh = fresh[room:]

    def _compared(self, data: memoryview) -> memoryview:
        """Return what was not given out before."""
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
        self._give(chunk)

    def commit(self) -> None:
        """Give out the last chunk, which may be empty if it is the only one."""
        if self._again.seen < self._given.seen:  # the engine began anew, and the body ended before what was given out
            raise self._changed()
        if self._chunk.tell() or not self._given.seen:
            self._give_chunk()

    def _changed(self) -> NotAsAnnounced:
        return NotAsAnnounced(f"{self._name!r} has changed in the store while it was read: read it once more")

    def discard(self) -> None:
        """Forget what was not given out."""
        self._chunk = io.BytesIO()


class Chunks:
    """The chunks of one file.

    :param fetch: Brings the file into the sink it is given; runs in a thread.
    """

    def __init__(self, name: str, chunk_size: int, fetch: Callable[[Sink], object]) -> None:
        self.sink = ChunkSink(name, chunk_size, self._give)
        self._fetch = fetch
        self._asked: SimpleQueue[None] = SimpleQueue()
        self._answered: SimpleQueue[None] = SimpleQueue()
        self._chunk: bytes | None = None
        self._error: BaseException | None = None
        self._abandoned = False

    def __iter__(self) -> Generator[bytes, None, None]:
        """Give out one after the other; raise what the engine met."""
        worker = Worker("taskcluster-chunks", self._work)
        worker.start()
        try:
            while (chunk := self._next()) is not None:
                yield chunk
                del chunk  # so that it is gone before the next one comes
        finally:
            self._abandoned = True
            self._asked.put(None)
            worker.wait(GRACE)

    def _next(self) -> bytes | None:
        self._asked.put(None)
        self._answered.get()
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
        self._answered.put(None)

    def _give(self, chunk: bytes) -> None:
        self._chunk = chunk
        del chunk
        self._answered.put(None)
        self._wait()

    def _wait(self) -> None:
        self._asked.get()
        if self._abandoned:
            raise Abandoned

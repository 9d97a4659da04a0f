"""Hashes a source on a core that is free, through a reader of its own, beside those who measure or send it.

That bytes were the same for all of them is shown by the sha256 of who measured and of who sent.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from typing import TYPE_CHECKING, BinaryIO, Self, cast

from airflow_provider_taskcluster.transfer.config import KIB, MIB
from airflow_provider_taskcluster.transfer.reading import fill

if TYPE_CHECKING:
    from airflow_provider_taskcluster.transfer.digest import Hashers
    from airflow_provider_taskcluster.transfer.source import Source

# Below this a thread costs more than it saves.
WORTH_A_THREAD = 8 * MIB
BLOCK = 256 * KIB


class Follower:
    """Goes on with hashers from where they are, as far as it is told, until it is closed.

    What it cannot read is left to others: ``hashers.seen`` tells how far it got.
    """

    def __init__(self, source: Source, hashers: Hashers) -> None:
        self._source = source
        self._hashers = hashers
        self._thread: threading.Thread | None = None
        self._reached: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def follow(self, reached: int) -> None:
        """Hash up to there, if there is time."""
        self._reached.put(reached)
        worth = reached - self._hashers.seen > WORTH_A_THREAD and self._source.independent
        if worth and not (self._thread or self._ended.is_set()):
            self._thread = threading.Thread(target=self._run, name="taskcluster-measuring", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop; the hashers are the caller's when this returns."""
        self._ended.set()
        thread, self._thread = self._thread, None
        if thread:
            self._reached.put(0)
            thread.join()

    def _run(self) -> None:
        with contextlib.suppress(Exception), self._source.reading() as reader:
            if self._hashers.seen:
                cast("BinaryIO", reader).seek(self._hashers.seen)
            buffer = memoryview(bytearray(BLOCK))
            reached = 0
            while not self._ended.is_set():
                reached = max(reached, self._reached.get())
                while self._hashers.seen < reached and not self._ended.is_set():
                    if not (count := fill(reader, buffer[: reached - self._hashers.seen])):
                        return
                    self._hashers.update(buffer[:count])


class Ahead:
    """The digests of what is sent, where they were begun before: a thread goes on until the sending catches up.

    :param begun: What has seen the first bytes of the source.
    :param size: Bytes of the source.
    """

    def __init__(self, source: Source, begun: Hashers, size: int) -> None:
        self._hashers = begun.copy()
        self._follower = Follower(source, self._hashers)
        self._sent = 0
        if begun.seen:
            self._follower.follow(size)

    def update(self, data: bytes | memoryview) -> None:
        """Take the next bytes that are sent."""
        start, self._sent = self._sent, self._sent + len(data)
        if self._hashers.seen < self._sent:
            self._follower.close()
            self._hashers.update(memoryview(data)[max(0, self._hashers.seen - start) :])

    def digests(self) -> dict[str, str]:
        """Return the digests of all, by algorithm, in hex."""
        self._follower.close()
        return self._hashers.digests()

    def close(self) -> None:
        """End the thread."""
        self._follower.close()

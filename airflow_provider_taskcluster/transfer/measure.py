"""Reads a source through before its upload: how long it is, and its sha256.

The sha512, which takes longer, starts here on a core that is free, and is continued beside the sending from where it
got to. Equal sha256 of both readings show that it saw the same bytes.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from airflow_provider_taskcluster.transfer.buffers import Block, BufferPool, Failure
from airflow_provider_taskcluster.transfer.config import MIB
from airflow_provider_taskcluster.transfer.digest import Hashers, PartHashers
from airflow_provider_taskcluster.transfer.hashing import Hashing

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_taskcluster.transfer.source import Source

# Below this a thread costs more than it saves.
WORTH_A_THREAD = 8 * MIB
# Blocks of 1 MiB that may wait for the hashers.
AHEAD = 12


@dataclass(frozen=True)
class Measured:
    """What is known of a source that was read once.

    :param size: Bytes.
    :param sha256: In hex.
    :param started: The sha512 of its first bytes, as far as it got.
    """

    size: int
    sha256: str
    started: Hashers = field(default_factory=lambda: Hashers(["sha512"]), compare=False, repr=False)


def measure(source: Source, check: Callable[[], None] = lambda: None) -> Measured:
    """Read a source from end to end.

    :param check: Called for each block; what it raises ends the reading.
    """
    hashers, beside = Hashers(["sha256"]), Hashers(["sha512"])
    with source.reading() as reader, _Follower(source, beside) as follower:
        while data := reader.read(MIB):
            check()
            hashers.update(data)
            follower.follow(hashers.seen)
    return Measured(hashers.seen, hashers.digests()["sha256"], beside)


def measure_parts(
    source: Source, part_size: int, check: Callable[[], None] = lambda: None
) -> tuple[Measured, list[Measured]]:
    """Read a source from end to end; measure the whole and each part of so many bytes.

    The sha512 of the parts are for the sending: there each part has a thread.
    """
    failure = Failure()
    whole, each = Hashers(["sha256"]), PartHashers("sha256", part_size)
    hashing, pool = Hashing([whole, each], failure), BufferPool(AHEAD, 0, failure)
    try:
        with source.reading() as reader:
            while data := reader.read(MIB):
                check()
                hashing.feed(Block(data, pool.take(), pool))
        hashing.digests()
    finally:
        hashing.stop()
    parts = [Measured(part.seen, part.digests()["sha256"]) for part in each.parts]
    return Measured(whole.seen, whole.digests()["sha256"]), parts


class _Follower(threading.Thread):
    """Hashes what was read before, through a reader of its own, until the ``with`` block ends."""

    def __init__(self, source: Source, hashers: Hashers) -> None:
        super().__init__(name="taskcluster-measuring", daemon=True)
        self._source = source
        self._hashers = hashers
        self._reached: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._reached.put(0)
        if self.ident:
            self.join()

    def follow(self, seen: int) -> None:
        """Hash up to there, if there is time."""
        self._reached.put(seen)
        if not self.ident and seen > WORTH_A_THREAD and self._source.independent:
            self.start()

    def run(self) -> None:
        # What cannot be read here is read again beside the sending.
        with contextlib.suppress(Exception), self._source.reading() as reader:
            reached = 0
            while not self._ended.is_set():
                reached = max(reached, self._reached.get())
                while self._hashers.seen < reached and not self._ended.is_set():
                    if not (data := reader.read(min(MIB, reached - self._hashers.seen))):
                        return
                    self._hashers.update(data)

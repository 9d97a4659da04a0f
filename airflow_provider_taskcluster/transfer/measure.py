"""Reads a source through before its upload: how long it is, and its sha256.

The sha512, which takes longer, starts here on a core that is free, and is continued beside the sending from where it
got to. Equal sha256 of both readings show that it saw the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.transfer.buffers import Block, BufferPool, Failure
from airflow_provider_taskcluster.transfer.config import MIB
from airflow_provider_taskcluster.transfer.digest import Hashers, PartHashers
from airflow_provider_taskcluster.transfer.follower import Follower
from airflow_provider_taskcluster.transfer.hashing import Hashing
from airflow_provider_taskcluster.transfer.reading import blocks, fill
from airflow_provider_taskcluster.transfer.source_errors import readable

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_taskcluster.transfer.source import Source

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
    :raises SourceError: It cannot be read.
    """
    hashers, beside = Hashers(["sha256"]), Hashers(["sha512"])
    with readable(source), source.reading() as reader, Follower(source, beside) as follower:
        for block in blocks(reader):
            check()
            hashers.update(block)
            follower.follow(hashers.seen)
    return Measured(hashers.seen, hashers.digests()["sha256"], beside)


def measure_parts(
    source: Source, part_size: int, check: Callable[[], None] = lambda: None
) -> tuple[Measured, list[Measured]]:
    """Read a source from end to end; measure the whole and each part of so many bytes.

    The sha512 of the parts are for the sending: there each part has a thread.

    :raises SourceError: It cannot be read.
    """
    failure = Failure()
    whole, each = Hashers(["sha256"]), PartHashers("sha256", part_size)
    hashing, pool = Hashing([whole, each], failure), BufferPool(AHEAD, MIB, failure)
    try:
        with readable(source), source.reading() as reader:
            while count := fill(reader, buffer := pool.take()):
                check()
                hashing.feed(Block(buffer[:count], buffer, pool))
        hashing.digests()
    finally:
        hashing.stop()
    parts = [Measured(part.seen, part.digests()["sha256"]) for part in each.parts]
    return Measured(whole.seen, whole.digests()["sha256"]), parts

"""Reads a source through before its upload: how long it is, and its sha256.

The sha512, which takes longer, starts here on a core that is free, and is continued beside the sending from where it
got to. Equal fingerprints of both readings show that it saw the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.transfer.config import MIB
from airflow_provider_taskcluster.transfer.hashing.digests import Hashers
from airflow_provider_taskcluster.transfer.hashing.fingerprint import Fingerprint
from airflow_provider_taskcluster.transfer.hashing.pipeline import Hashing
from airflow_provider_taskcluster.transfer.parts_manifest import MOST_PARTS
from airflow_provider_taskcluster.transfer.source.errors import source_errors
from airflow_provider_taskcluster.transfer.source.read_ahead import FingerprintedHashers, ReadAhead
from airflow_provider_taskcluster.transfer.source.reading import blocks, fill
from airflow_provider_taskcluster.transfer.threads.buffers import Block, BufferPool, Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_taskcluster.transfer.source.base import Source

# Blocks of 1 MiB that may wait for the hashers.
AHEAD = 12


@dataclass(frozen=True)
class Measured:
    """What is known of a source that was read once.

    :param size: Bytes.
    :param sha256: In hex.
    :param fingerprint: What another reading must fit.
    """

    size: int
    sha256: str
    fingerprint: Fingerprint = field(compare=False, repr=False)
    _begun: list[FingerprintedHashers] = field(default_factory=list, compare=False, repr=False)

    def begun(self) -> Hashers:
        """Return the sha512 to go on with: of the first bytes for who asks first, and of nothing yet for others."""
        return self._begun.pop() if self._begun else Hashers(["sha512"])


def measure(source: Source, check: Callable[[], None] = lambda: None) -> Measured:
    """Read a source from end to end.

    :param check: Called for each block; what it raises ends the reading.
    :raises SourceError: It cannot be read.
    """
    measuring = _Measuring()
    beside = FingerprintedHashers(["sha512"], measuring.fingerprint)
    with source_errors(source.description):
        length = source.length()  # before it is opened: this moves where an open file stands
        size = MIB if length is None else max(1, min(MIB, length))
        with source.reading() as reader, ReadAhead(source, beside) as follower:
            for block in blocks(reader, size):
                check()
                measuring.update(block)
                follower.advance_to(measuring.seen)
    return measuring.measured([beside] if beside.seen else [])


def measure_parts(
    source: Source, part_size: int, check: Callable[[], None] = lambda: None
) -> tuple[int, str, list[Measured]]:
    """Read a source from end to end; return its size and sha256, and measure each part of so many bytes.

    The sha512 of the parts are for the sending: there each part has a thread. No more parts are measured than a
    manifest may have, and one.

    :raises SourceError: It cannot be read.
    """
    failure = Failure()
    whole, each = Hashers(["sha256"]), _Parts(part_size)
    hashing, pool = Hashing([whole, each], failure), BufferPool(AHEAD, MIB, failure)
    try:
        with source_errors(source.description), source.reading() as reader:
            while count := fill(reader, buffer := pool.take()):
                check()
                hashing.feed(Block(buffer[:count], buffer, pool))
        hashing.digests()
    finally:
        hashing.stop()
    return whole.seen, whole.digests()["sha256"], [part.measured([]) for part in each.parts]


class _Measuring:
    """Takes the bytes of a source, or of a part, in order."""

    def __init__(self) -> None:
        self._hashers = Hashers(["sha256"])
        self.fingerprint = Fingerprint()

    @property
    def seen(self) -> int:
        """Bytes so far."""
        return self._hashers.seen

    def update(self, data: bytes | memoryview) -> None:
        """Take the next bytes."""
        self._hashers.update(data)
        self.fingerprint.update(data)

    def measured(self, begun: list[FingerprintedHashers]) -> Measured:
        """Return what is known of all bytes."""
        self.fingerprint.finalize()
        return Measured(self.seen, self._hashers.digests()["sha256"], self.fingerprint, begun)


class _Parts:
    """Measures each part of a stream of bytes, in ``parts``.

    :param size: Bytes of each part but the last.
    """

    def __init__(self, size: int) -> None:
        self.parts: list[_Measuring] = []
        self._size = size

    def update(self, data: bytes | memoryview) -> None:
        """Take the next bytes."""
        data = memoryview(data)
        while data and len(self.parts) <= MOST_PARTS:
            if not self.parts or self.parts[-1].seen == self._size:
                self.parts.append(_Measuring())
            room = self._size - self.parts[-1].seen
            self.parts[-1].update(data[:room])
            data = data[room:]

    def digests(self) -> dict[str, str]:
        """Nothing: there is none of the whole."""
        return {}

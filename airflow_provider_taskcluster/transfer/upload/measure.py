"""Reads a source before its upload, to learn its size and sha256.

The slower sha512 starts here on a free core, and continues while the bytes are sent. Equal fingerprints show that both
readings saw the same bytes.
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

# Buffers of 1 MiB that may wait for the hashers.
HASH_BUFFERS = 12


@dataclass(frozen=True)
class Measured:
    """Size and digests of a source that was read once.

    :param size: Bytes.
    :param sha256: In hex.
    :param fingerprint: Fingerprint that another reading must match.
    :param algorithms: Digests to compute while the bytes are sent. Parts have none: the sha256 of the whole, in the
        manifest, verifies their bytes once more.
    """

    size: int
    sha256: str
    fingerprint: Fingerprint = field(compare=False, repr=False)
    _begun: list[FingerprintedHashers] = field(default_factory=list, compare=False, repr=False)
    algorithms: tuple[str, ...] = ("sha512",)

    def take_hashers(self) -> Hashers:
        """Return the hashers that the first reading has begun, to the first caller; fresh ones to later callers."""
        return self._begun.pop() if self._begun else Hashers(self.algorithms)


def measure(source: Source, check: Callable[[], None] = lambda: None) -> Measured:
    """Read a source from end to end.

    :param check: Called for each block; an error that it raises ends the reading.
    :raises SourceError: The source cannot be read.
    """
    measuring = _Measuring()
    sha512 = FingerprintedHashers(["sha512"], measuring.fingerprint)
    with source_errors(source.description):
        length = source.length()  # before it is opened: this moves the position of an open file
        size = MIB if length is None else max(1, min(MIB, length))
        with source.reading() as reader, ReadAhead(source, sha512) as follower:
            for block in blocks(reader, size):
                check()
                measuring.update(block)
                follower.advance_to(measuring.seen)
    return measuring.measured([sha512] if sha512.seen else [])


def measure_parts(
    source: Source, part_size: int, check: Callable[[], None] = lambda: None
) -> tuple[int, str, list[Measured]]:
    """Read a source from end to end; return its size, its sha256, and the measurement of each part.

    At most one part more than a manifest may have is measured.

    :raises SourceError: The source cannot be read.
    """
    failure = Failure()
    whole, parts = Hashers(["sha256"]), _Parts(part_size)
    hashing, pool = Hashing([whole, parts], failure), BufferPool(HASH_BUFFERS, MIB, failure)
    try:
        with source_errors(source.description), source.reading() as reader:
            while count := fill(reader, buffer := pool.take()):
                check()
                hashing.feed(Block(buffer[:count], buffer, pool))
        hashing.digests()
    finally:
        hashing.stop()
    return whole.seen, whole.digests()["sha256"], [part.measured([], algorithms=()) for part in parts.parts]


def measure_part(part: Source, check: Callable[[], None]) -> Measured:
    """Read a part, as ``measure`` does a source.

    :raises SourceError: The part cannot be read.
    """
    measuring = _Measuring()
    with source_errors(part.description), part.reading() as reader:
        for block in blocks(reader, MIB):
            check()
            measuring.update(block)
    return measuring.measured([], algorithms=())


class _Measuring:
    """Hashes the bytes of a source, or of a part, in order."""

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

    def measured(self, begun: list[FingerprintedHashers], algorithms: tuple[str, ...] = ("sha512",)) -> Measured:
        """Return the measurement of all bytes."""
        self.fingerprint.finalize()
        return Measured(self.seen, self._hashers.digests()["sha256"], self.fingerprint, begun, algorithms)


class _Parts:
    """Measures the parts of a source into ``parts``.

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
        """Return none: the digests are those of the parts."""
        return {}

"""Content that is read at any place, without fetching all of it.

A body in a store is read by Range requests; an object in parts by those of its parts. What cannot be read so (gzip, a
store without ranges) is fetched whole into a temporary file first, by whoever opens it.
"""

from __future__ import annotations

import bisect
import contextlib
import tempfile
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

from airflow_provider_taskcluster.common.framing import unsatisfied_total
from airflow_provider_taskcluster.common.retry import TRY_AGAIN
from airflow_provider_taskcluster.exceptions import HashMismatch, RangeMismatch, StoreError, Truncated
from airflow_provider_taskcluster.transfer.config import KIB, MIB
from airflow_provider_taskcluster.transfer.download.fetch import ManifestFound
from airflow_provider_taskcluster.transfer.hashing.sequential import SequentialHash
from airflow_provider_taskcluster.transfer.http.ranges import (
    DEFAULT_TYPE,
    PARTIAL,
    UNSATISFIABLE,
    ByteRange,
    Facts,
    match_partial,
)
from airflow_provider_taskcluster.transfer.http.request import get_response
from airflow_provider_taskcluster.transfer.parts_manifest import is_manifest
from airflow_provider_taskcluster.transfer.sink.base import FileSink

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_taskcluster.transfer.http.client import StoreClient
    from airflow_provider_taskcluster.transfer.http.grants import Renewable
    from airflow_provider_taskcluster.transfer.http.response import StoreResponse
    from airflow_provider_taskcluster.transfer.model import Grant, TransferResult
    from airflow_provider_taskcluster.transfer.parts_manifest import Manifest, Part
    from airflow_provider_taskcluster.transfer.sink.base import Sink

# What the first request brings, which also tells what the body is.
HEAD = 256 * KIB
_NOTHING = Facts(0, "", None, "")


class NotRanged(Exception):
    """The body comes only from its beginning to its end: it is encoded, or its store knows no ranges."""


class RandomAccess(Protocol):
    """Content whose bytes can be read in any order. ``size`` is its length in bytes."""

    size: int
    content_type: str

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes from ``start`` up to ``end``, not included; fewer where the content ends.

        :raises HashMismatch: All of it has been read in order now, and it is not what the service knows.
        """

    @property
    def verified(self) -> str:
        """By what all of it was verified (``sha256+sha512``, ``length``); ``none`` if it was not read in order."""

    def close(self) -> None:
        """Let go of it."""


class RangedBody:
    """One body in a store.

    What is read in order from the beginning is hashed on the way, and compared with the service's digests when the end
    is reached. What is read here and there cannot be.

    :param name: Of the object or artifact, for errors.
    :param hashes: Digests that the service names.
    :param head: So many bytes come with the first request.
    :raises NotRanged: It cannot be read so.
    :param whole_only: Do not take the manifest of parts in the place of the whole.
    :raises ManifestFound: It is one, and the whole was wanted.
    """

    def __init__(
        self,
        name: str,
        grants: Renewable[Grant],
        hashes: Mapping[str, str],
        store: StoreClient,
        *,
        head: int = HEAD,
        whole_only: bool = False,
    ) -> None:
        self._name = name
        self._whole_only = whole_only
        self._grants = grants
        self._store = store
        self._facts = _NOTHING
        self._head = self._filled(_Stretch(0, head), self._begin)
        assert self._facts.total is not None
        self.size, self.content_type = self._facts.total, self._facts.content_type or DEFAULT_TYPE
        self._sequence = SequentialHash(name, hashes, self.size)

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes from ``start`` up to ``end``."""
        end = min(end, self.size)
        if start >= end:
            return b""
        inside = end <= len(self._head)
        data = self._head[start:end] if inside else self._filled(_Stretch(start, end), self._go_on)
        self._sequence.take(start, data)
        return data

    @property
    def verified(self) -> str:
        """By what all of it was verified."""
        return self._sequence.verified

    def close(self) -> None:
        """Let go of it."""
        self._sequence.close()

    def _filled(self, stretch: _Stretch, attempt: Callable[[_Stretch], None]) -> bytes:
        """Ask until all of a stretch has come. An answer may bring a part of it."""
        loop = self._store.network.retry.retrying(progress=lambda: stretch.filled, sleep=self._store.sleep)
        loop(attempt, stretch)
        while stretch.lacking:
            loop(attempt, stretch)
        data, stretch.data = bytes(stretch.data), bytearray()  # the loop is in a cycle, and waits to be collected
        return data

    def _begin(self, head: _Stretch) -> None:
        """Ask for the first bytes, and learn what there is."""
        if head.filled:
            try:
                self._go_on(head)
            except RangeMismatch:  # the first answer may have been the wrong one, and nothing was given out yet
                head.filled = 0
                raise
            return
        try:
            with get_response(self._store, self._grants, head.wanted) as answer:
                facts = answer.facts
                if self._whole_only and is_manifest(facts.content_type):
                    raise ManifestFound
                if answer.status != PARTIAL or facts.encoding or facts.total is None:
                    raise NotRanged
                self._facts = facts
                head.limit(facts.total)
                self._receive(answer, head)
        except StoreError as error:
            if error.status != UNSATISFIABLE:
                raise
            if unsatisfied_total(error.content_range) != 0:
                raise NotRanged from None
            self._facts = _NOTHING
            head.limit(0)  # there is no first byte

    def _go_on(self, stretch: _Stretch) -> None:
        """Ask for what a stretch still lacks."""
        try:
            with get_response(self._store, self._grants, stretch.wanted, self._facts) as answer:
                self._receive(answer, stretch)
        except StoreError as error:
            if error.status == UNSATISFIABLE:
                raise self._changed() from None
            raise

    def _receive(self, answer: StoreResponse, stretch: _Stretch) -> None:
        found = None
        if answer.status == PARTIAL:  # sums are of the whole: they do not tell of pieces
            found = match_partial(answer.headers, stretch.reached, self._facts, answer.facts, hashed=False)
        if found is None:
            raise self._changed()
        answer.skip(found.skip)
        buffer = memoryview(stretch.data)[: found.stop - stretch.start]
        while stretch.filled < len(buffer):
            count = answer.readinto(buffer[stretch.filled : stretch.filled + MIB])
            if not count:
                raise Truncated(
                    f"{self._name!r}: a range ended after {stretch.filled} of {len(buffer)} bytes; {TRY_AGAIN}"
                )
            stretch.filled += count
            self._store.check()

    def _changed(self) -> RangeMismatch:
        return RangeMismatch(f"{self._name!r} is another one in the store than when it was opened: open it again")


class _Stretch:
    """Bytes that are wanted, and how many of them have come."""

    def __init__(self, start: int, end: int) -> None:
        self.data = bytearray(end - start)
        self.filled = 0
        self.start = start

    def limit(self, size: int) -> None:
        """Want no more than so many bytes, and begin anew."""
        self.data, self.filled = bytearray(min(size, len(self.data))), 0

    @property
    def lacking(self) -> bool:
        """Whether there are bytes that have not come."""
        return self.filled < len(self.data)

    @property
    def reached(self) -> int:
        """Where the next byte belongs."""
        return self.start + self.filled

    @property
    def wanted(self) -> ByteRange:
        """What is still to be asked for."""
        return ByteRange(self.reached, self.start + len(self.data))


class PartedBody:
    """The content of an object in parts; each part is opened when it is first read.

    :param open_part: Opens a part by its number.
    """

    def __init__(self, name: str, manifest: Manifest, open_part: Callable[[Part], RandomAccess]) -> None:
        self.size, self.content_type = manifest.size, manifest.content_type
        self._parts = manifest.parts
        self._open_part = open_part
        self._open: tuple[int, RandomAccess] | None = None
        self._sequence = SequentialHash(name, {"sha256": manifest.sha256}, self.size)

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes from ``start`` up to ``end``."""
        end = min(end, self.size)
        pieces, position = [], start
        while position < end:
            number = bisect.bisect_right(self._parts, position, key=lambda part: part.offset) - 1
            offset = self._parts[number].offset
            pieces.append(self._part(number).read(position - offset, end - offset))
            position += len(pieces[-1])
        data = b"".join(pieces)
        self._sequence.take(start, data)
        return data

    @property
    def verified(self) -> str:
        """By what all of it was verified."""
        return self._sequence.verified

    def close(self) -> None:
        """Let go of it."""
        self._sequence.close()
        if self._open:
            self._open[1].close()

    def _part(self, number: int) -> RandomAccess:
        """Return a part; only the one that is read is kept open."""
        if self._open is None or self._open[0] != number:
            if self._open:
                self._open[1].close()
            part = self._parts[number]
            self._open = number, self._open_part(part)
            if self._open[1].size != part.size:
                raise HashMismatch(
                    f"Part {part.name!r} has {self._open[1].size} bytes, and the manifest says {part.size}: "
                    f"the stored bytes are not those that were uploaded: upload it again"
                )
        return self._open[1]


def fetched_whole(download: Callable[[Sink], TransferResult]) -> RandomAccess:
    """Fetch all of a content into a temporary file, verified, and open that."""
    with contextlib.ExitStack() as on_failure:
        opened = tempfile.TemporaryFile(prefix="taskcluster-")  # noqa: SIM115 (stays open when all goes well)
        file = on_failure.enter_context(cast("BinaryIO", opened))
        result = download(FileSink(file))
        on_failure.pop_all()
    return LocalBody(file, result)


class LocalBody:
    """Content in a temporary file, which is closed with it."""

    def __init__(self, file: BinaryIO, result: TransferResult) -> None:
        self.size, self.content_type, self.verified = result.size, result.content_type, result.verified
        self._file = file

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes from ``start`` up to ``end``."""
        self._file.seek(start)
        return self._file.read(max(0, end - start))

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

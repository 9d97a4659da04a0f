"""Random access to content, without downloading all of it.

A body in a store is read by Range requests, an object in parts by Range requests for its parts. Where ranges cannot be
used (gzip, a store without them), the caller downloads the whole into a temporary file (``open_local_copy``).
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

# Bytes of the first request, which also tells length and type.
HEAD = 256 * KIB
_NOTHING = Facts(0, "", None, "")


class RangesUnsupported(Exception):
    """The body cannot be read in ranges: it is encoded, or its store ignores Range."""


class RandomAccess(Protocol):
    """Content whose bytes can be read in any order. ``size`` is its length in bytes."""

    size: int
    content_type: str

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes from ``start`` up to, but not including, ``end``; fewer at the end of the content.

        :raises HashMismatch: All of it has been read in order, and does not have the service's digests.
        """

    @property
    def verified(self) -> str:
        """How the whole was verified (``sha256+sha512``, ``length``); ``none`` if it was not read in order."""

    def close(self) -> None:
        """Release the content."""


class _HashedInOrder:
    """Base of content whose bytes are hashed if they are read in order from the beginning."""

    _sequence: SequentialHash

    @property
    def verified(self) -> str:
        """How the whole was verified."""
        return self._sequence.verified

    def close(self) -> None:
        """Release the content."""
        self._sequence.close()


class RangedBody(_HashedInOrder):
    """Random access to one body in a store.

    Bytes that are read in order from the beginning are hashed, and checked against the service's digests at the end.
    Reads out of order cannot be verified.

    :param name: Object or artifact name, for errors.
    :param hashes: Digests that the service names.
    :param head: Bytes of the first request.
    :param whole_only: Raise ``ManifestFound`` for a manifest of parts, instead of reading the manifest itself.
    :raises RangesUnsupported: The body cannot be read in ranges.
    :raises ManifestFound: The body is a manifest of parts, and ``whole_only`` is set.
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
        self._head = self._read_range(_PendingRange(0, head), self._request_head)
        assert self._facts.total is not None
        self.size, self.content_type = self._facts.total, self._facts.content_type or DEFAULT_TYPE
        self._sequence = SequentialHash(name, hashes, self.size)

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes from ``start`` up to ``end``."""
        end = min(end, self.size)
        if start >= end:
            return b""
        inside = end <= len(self._head)
        data = self._head[start:end] if inside else self._read_range(_PendingRange(start, end), self._request_rest)
        self._sequence.take(start, data)
        return data

    def _read_range(self, pending: _PendingRange, attempt: Callable[[_PendingRange], None]) -> bytes:
        """Send requests until the range is complete; one response may bring only a part."""
        loop = self._store.network.retry.retrying(progress=lambda: pending.filled, sleep=self._store.sleep)
        loop(attempt, pending)
        while pending.incomplete:
            loop(attempt, pending)
        data, pending.data = bytes(pending.data), bytearray()  # the loop is in a reference cycle, which would keep them
        return data

    def _request_head(self, head: _PendingRange) -> None:
        """Request the first bytes, and learn the body's facts."""
        if head.filled:
            try:
                self._request_rest(head)
            except RangeMismatch:  # the first response may be the wrong one; nothing was returned yet
                head.filled = 0
                raise
            return
        try:
            with get_response(self._store, self._grants, head.rest) as response:
                facts = response.facts
                if self._whole_only and is_manifest(facts.content_type):
                    raise ManifestFound
                if response.status != PARTIAL or facts.encoding or facts.total is None:
                    raise RangesUnsupported
                self._facts = facts
                head.limit(facts.total)
                self._receive(response, head)
        except StoreError as error:
            if error.status != UNSATISFIABLE:
                raise
            if unsatisfied_total(error.content_range) != 0:
                raise RangesUnsupported from None
            self._facts = _NOTHING
            head.limit(0)  # there is no first byte

    def _request_rest(self, pending: _PendingRange) -> None:
        """Request the rest of a range."""
        try:
            with get_response(self._store, self._grants, pending.rest, self._facts) as response:
                self._receive(response, pending)
        except StoreError as error:
            if error.status == UNSATISFIABLE:
                raise self._changed() from None
            raise

    def _receive(self, response: StoreResponse, pending: _PendingRange) -> None:
        span = None
        if response.status == PARTIAL:  # hashes are of the whole, not of pieces
            span = match_partial(response.headers, pending.position, self._facts, response.facts, hashed=False)
        if span is None:
            raise self._changed()
        response.skip(span.skip)
        buffer = memoryview(pending.data)[: span.stop - pending.start]
        while pending.filled < len(buffer):
            count = response.readinto(buffer[pending.filled : pending.filled + MIB])
            if not count:
                raise Truncated(
                    f"{self._name!r}: a range ended after {pending.filled} of {len(buffer)} bytes; {TRY_AGAIN}"
                )
            pending.filled += count
            self._store.check()

    def _changed(self) -> RangeMismatch:
        return RangeMismatch(f"{self._name!r} is another one in the store than when it was opened: open it again")


class _PendingRange:
    """A range being read, and the bytes of it that have arrived."""

    def __init__(self, start: int, end: int) -> None:
        self.data = bytearray(end - start)
        self.filled = 0
        self.start = start

    def limit(self, size: int) -> None:
        """Shorten the range to at most ``size`` bytes, and empty it."""
        self.data, self.filled = bytearray(min(size, len(self.data))), 0

    @property
    def incomplete(self) -> bool:
        """Whether bytes are missing."""
        return self.filled < len(self.data)

    @property
    def position(self) -> int:
        """Offset in the body of the next byte."""
        return self.start + self.filled

    @property
    def rest(self) -> ByteRange:
        """The range that is still to be requested."""
        return ByteRange(self.position, self.start + len(self.data))


class MultipartBody(_HashedInOrder):
    """Random access to an object in parts; each part is opened when it is first read.

    :param open_part: Opens a part.
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

    def close(self) -> None:
        """Release the content."""
        super().close()
        if self._open:
            self._open[1].close()

    def _part(self, number: int) -> RandomAccess:
        """Return a part; only the current one is kept open."""
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


def open_local_copy(download: Callable[[Sink], TransferResult]) -> RandomAccess:
    """Download the whole content into a temporary file, verified, and open that."""
    with contextlib.ExitStack() as on_failure:
        opened = tempfile.TemporaryFile(prefix="taskcluster-")  # noqa: SIM115 (stays open on success)
        file = on_failure.enter_context(cast("BinaryIO", opened))
        result = download(FileSink(file))
        on_failure.pop_all()
    return LocalBody(file, result)


class LocalBody:
    """Content in a temporary file, which is deleted on close."""

    def __init__(self, file: BinaryIO, result: TransferResult) -> None:
        self.size, self.content_type, self.verified = result.size, result.content_type, result.verified
        self._file = file

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes from ``start`` up to ``end``."""
        self._file.seek(start)
        return self._file.read(max(0, end - start))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

"""Downloads an object that was uploaded in parts.

Each part is an object, fetched and verified as one; several at once if the sink is seekable. The whole is verified by
the manifest's sha256. A later try on the same disk resumes after the complete parts.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.exceptions import DestinationError, HashMismatch, TooLarge
from airflow_provider_taskcluster.transfer.config import KIB, MIB
from airflow_provider_taskcluster.transfer.download.fetch import Fetch, FetchRequest
from airflow_provider_taskcluster.transfer.hashing.digests import Hashers, verify_digests
from airflow_provider_taskcluster.transfer.http.grants import Renewable
from airflow_provider_taskcluster.transfer.http.ranges import Facts
from airflow_provider_taskcluster.transfer.model import TransferResult
from airflow_provider_taskcluster.transfer.progress import PartReporter, Reporter
from airflow_provider_taskcluster.transfer.sink.checkpoint import Checkpoint, checkpoint_key
from airflow_provider_taskcluster.transfer.sink.part import PartSink
from airflow_provider_taskcluster.transfer.threads.buffers import Failure
from airflow_provider_taskcluster.transfer.threads.pool import run_jobs

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_taskcluster.transfer.config import TransferConfig
    from airflow_provider_taskcluster.transfer.http.client import StoreClient
    from airflow_provider_taskcluster.transfer.model import Grant
    from airflow_provider_taskcluster.transfer.parts_manifest import Manifest, Part
    from airflow_provider_taskcluster.transfer.sink.base import Sink

log = logging.getLogger(__name__)

# Each part in transfer holds a few buffers of this size.
BUFFER = 256 * KIB


@dataclass(frozen=True)
class PartAccess:
    """How parts are reached.

    :param negotiate: Returns the grant of an object by its name.
    """

    negotiate: Callable[[str], Grant]
    store: StoreClient
    config: TransferConfig


class MultipartDownload:
    """Downloads one object in parts into a sink."""

    def __init__(self, name: str, manifest: Manifest, access: PartAccess, sink: Sink) -> None:
        self._name = name
        self._manifest = manifest
        self._access = access
        self._sink = sink
        self._key = checkpoint_key(
            {"object": name, "parts": [part.name for part in manifest.parts]}, {"": manifest.sha256}
        )
        config = access.config
        self._reporter = Reporter(name, config.progress_seconds, config.on_progress)
        self._failure = Failure()
        self._hash_lock = threading.Lock()

    def result(self) -> TransferResult:
        """Fetch all parts, verify and commit them; return the transfer's result.

        :raises TooLarge: The whole is larger than the caller allows.
        :raises HashMismatch: A part or the whole is not what was uploaded.
        """
        manifest = self._manifest
        limit = self._access.config.max_bytes
        if limit is not None and manifest.size > limit:
            raise TooLarge(f"{self._name!r} has more than the {limit} bytes allowed: raise max_bytes")
        try:
            digests = self._download()
            self._sink.commit()
        except BaseException as error:
            self._sink.leave(error)
            raise
        self._reporter.finish()
        return TransferResult(
            name=self._name,
            size=manifest.size,
            content_type=manifest.content_type,
            digests=digests,
            method="multipart",
            verified="sha256",
            attempts=self._reporter.attempt,
            destination=self._sink.path,
            content=self._sink.content(),
        )

    def _download(self) -> dict[str, str]:
        resumed = self._start()
        try:
            return self._fetched()
        except HashMismatch:
            if not resumed:
                raise
        log.warning("What was on this disk of %r is not good: fetching all of it anew", self._name)
        self._failure = Failure()
        self._begin()
        return self._fetched()

    def _start(self) -> bool:
        """Resume from the checkpoint of an earlier try on this disk; return whether there was one."""
        record = self._sink.resume(self._key)
        self._begin(resumed=record is not None)
        if record is not None:
            complete = [
                part.offset + part.size for part in self._manifest.parts if part.offset + part.size <= record.offset
            ]
            self._next = len(complete)
            self._hash(complete[-1] if complete else 0)
            self._reporter.advance(self._whole.seen)
            log.info("Going on with %r after %d bytes that are here already", self._name, self._whole.seen)
        return record is not None

    def _begin(self, *, resumed: bool = False) -> None:
        size = self._manifest.size
        if not resumed:
            self._sink.begin(size)
        if self._sink.seekable:
            self._sink.reserve(size)
        self._whole = Hashers(["sha256"])
        self._next = 0
        self._present: set[int] = set()
        self._reporter.restart(size)

    def _fetched(self) -> dict[str, str]:
        parts = list(enumerate(self._manifest.parts))[self._next :]
        at_once = min(self._access.config.connections, len(parts)) if self._sink.seekable else 1
        run_jobs(parts, lambda part: self._fetch(*part), self._failure, at_once)
        digests = self._whole.digests()
        verify_digests(self._name, {"sha256": self._manifest.sha256}, digests)
        return digests

    def _fetch(self, number: int, part: Part) -> None:
        self._failure.check()
        first = self._access.negotiate(part.name)
        verify_digests(part.name, first.hashes, part.hashes)
        request = FetchRequest(part.name, {"object": part.name}, {**first.hashes, **part.hashes}, first.method, None)
        window = PartSink(self._sink, part, None if self._sink.seekable else self._whole.update)
        grants = Renewable(lambda: self._access.negotiate(part.name), first)
        config = replace(self._access.config, connections=1, buffer_size=BUFFER, digests=())
        reporter = PartReporter(self._reporter, check=self._failure.check)
        Fetch(request, grants, window, self._access.store, config, reporter=reporter).run()
        if self._sink.seekable:
            self._hash_arrived(number)

    def _hash_arrived(self, number: int) -> None:
        """Hash the complete parts in order. One thread at a time does; the others keep fetching."""
        self._present.add(number)
        while self._next in self._present and self._hash_lock.acquire(blocking=False):
            try:
                while self._next in self._present:
                    part = self._manifest.parts[self._next]
                    self._hash(part.offset + part.size)
                    self._next += 1
                    self._note()
            finally:
                self._hash_lock.release()

    def _hash(self, until: int) -> None:
        buffer = memoryview(bytearray(MIB))
        while (seen := self._whole.seen) < until:
            self._failure.check()
            self._access.store.check()
            count = self._sink.read_at(seen, buffer[: until - seen])
            if not count:
                raise DestinationError(
                    f"{self._sink.path} has lost bytes that were written to it: does another process write there?"
                )
            self._whole.update(buffer[:count])

    def _note(self) -> None:
        facts = Facts(self._manifest.size, "", None, self._manifest.content_type)
        self._sink.note(Checkpoint(self._key, facts, self._whole.seen))

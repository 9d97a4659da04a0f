"""Puts an object together that was uploaded in parts.

Each part is fetched and verified as the object it is, several at once where the destination takes bytes in any order,
and the whole is verified by the manifest's sha256. A later try on the same disk goes on behind the parts that are
there.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.exceptions import DestinationError, HashMismatch, TooLarge
from airflow_provider_taskcluster.transfer.config import KIB, MIB
from airflow_provider_taskcluster.transfer.download.fetch import Fetch, Wanted
from airflow_provider_taskcluster.transfer.hashing.digests import Hashers, verify_digests
from airflow_provider_taskcluster.transfer.http.grants import Renewable
from airflow_provider_taskcluster.transfer.http.ranges import Facts
from airflow_provider_taskcluster.transfer.model import TransferResult
from airflow_provider_taskcluster.transfer.progress import PartReporter, Reporter
from airflow_provider_taskcluster.transfer.sink.checkpoint import Checkpoint, checkpoint_key
from airflow_provider_taskcluster.transfer.sink.part import PartSink
from airflow_provider_taskcluster.transfer.threads.buffers import Failure
from airflow_provider_taskcluster.transfer.threads.pool import Scheduler, Serial, Threads

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_taskcluster.transfer.config import TransferConfig
    from airflow_provider_taskcluster.transfer.http.client import StoreClient
    from airflow_provider_taskcluster.transfer.model import Grant
    from airflow_provider_taskcluster.transfer.parts_manifest import Manifest, Part
    from airflow_provider_taskcluster.transfer.sink.base import Sink

log = logging.getLogger(__name__)

# Each part under way holds a few of these.
BUFFER = 256 * KIB


@dataclass(frozen=True)
class Origin:
    """Where parts come from.

    :param negotiate: Gives the grant of an object by its name.
    """

    negotiate: Callable[[str], Grant]
    store: StoreClient
    config: TransferConfig


class Assembly:
    """One object in parts on its way into a sink."""

    def __init__(self, name: str, manifest: Manifest, origin: Origin, sink: Sink) -> None:
        self._name = name
        self._manifest = manifest
        self._origin = origin
        self._sink = sink
        self._key = checkpoint_key(
            {"object": name, "parts": [part.name for part in manifest.parts]}, {"": manifest.sha256}
        )
        config = origin.config
        self._reporter = Reporter(name, config.progress_seconds, config.on_progress)
        self._failure = Failure()
        self._arriving = threading.Lock()

    def result(self, started: float) -> TransferResult:
        """Fetch all parts, verify, commit, and sum up.

        :raises TooLarge: The whole is larger than the caller allows.
        :raises HashMismatch: A part or the whole is not what was uploaded.
        """
        manifest = self._manifest
        limit = self._origin.config.max_bytes
        if limit is not None and manifest.size > limit:
            raise TooLarge(f"{self._name!r} has more than the {limit} bytes allowed: raise max_bytes")
        try:
            digests = self._assembled()
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
            seconds=time.monotonic() - started,
            destination=self._sink.path,
            content=self._sink.content(),
        )

    def _assembled(self) -> dict[str, str]:
        adopted = self._start()
        try:
            return self._fetched()
        except HashMismatch:
            if not adopted:
                raise
        log.warning("What was on this disk of %r is not good: fetching all of it anew", self._name)
        self._failure = Failure()
        self._begin()
        return self._fetched()

    def _start(self) -> bool:
        """Go on with what an earlier try left on this disk; return whether there was something."""
        record = self._sink.resume(self._key)
        self._begin(adopting=record is not None)
        if record is not None:
            there = [
                part.offset + part.size for part in self._manifest.parts if part.offset + part.size <= record.offset
            ]
            self._next = len(there)
            self._hash(there[-1] if there else 0)
            self._reporter.advance(self._whole.seen)
            log.info("Going on with %r after %d bytes that are here already", self._name, self._whole.seen)
        return record is not None

    def _begin(self, *, adopting: bool = False) -> None:
        size = self._manifest.size
        if not adopting:
            self._sink.begin(size)
        if self._sink.seekable:
            self._sink.reserve(size)
        self._whole = Hashers(["sha256"])
        self._next = 0
        self._there: set[int] = set()
        self._reporter.restart(size)

    def _fetched(self) -> dict[str, str]:
        parts = list(enumerate(self._manifest.parts))[self._next :]
        connections = min(self._origin.config.connections, len(parts))
        several = self._sink.seekable and connections > 1
        scheduler: Scheduler = Threads(connections) if several else Serial()
        scheduler.run(parts, lambda part: self._fetch(*part), self._failure)
        digests = self._whole.digests()
        verify_digests(self._name, {"sha256": self._manifest.sha256}, digests)
        return digests

    def _fetch(self, number: int, part: Part) -> None:
        self._failure.check()
        first = self._origin.negotiate(part.name)
        verify_digests(part.name, first.hashes, part.hashes)
        wanted = Wanted(part.name, {"object": part.name}, {**first.hashes, **part.hashes}, first.method, None)
        window = PartSink(self._sink, part, None if self._sink.seekable else self._whole.update)
        grants = Renewable(lambda: self._origin.negotiate(part.name), first)
        config = replace(self._origin.config, connections=1, buffer_size=BUFFER, digests=())
        reporter = PartReporter(self._reporter, check=self._failure.check)
        Fetch(wanted, grants, window, self._origin.store, config, reporter=reporter).run()
        if self._sink.seekable:
            self._arrived(number)

    def _arrived(self, number: int) -> None:
        """Hash what is complete from the beginning on; one thread does, the others go on fetching."""
        self._there.add(number)
        while self._next in self._there and self._arriving.acquire(blocking=False):
            try:
                while self._next in self._there:
                    part = self._manifest.parts[self._next]
                    self._hash(part.offset + part.size)
                    self._next += 1
                    self._note()
            finally:
                self._arriving.release()

    def _hash(self, until: int) -> None:
        buffer = memoryview(bytearray(MIB))
        while (seen := self._whole.seen) < until:
            self._failure.check()
            self._origin.store.check()
            count = self._sink.read_at(seen, buffer[: until - seen])
            if not count:
                raise DestinationError(
                    f"{self._sink.path} has lost bytes that were written to it: does another process write there?"
                )
            self._whole.update(buffer[:count])

    def _note(self) -> None:
        facts = Facts(self._manifest.size, "", None, self._manifest.content_type)
        self._sink.note(Checkpoint(self._key, facts, self._whole.seen))

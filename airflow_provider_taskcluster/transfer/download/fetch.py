"""Fetches one body into a sink: resumes after failures, and uses parallel ranges where nothing forbids them."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common.retry import TRY_AGAIN
from airflow_provider_taskcluster.exceptions import HashMismatch, RangeMismatch, StoreError, Truncated
from airflow_provider_taskcluster.transfer.download.expected import Expected
from airflow_provider_taskcluster.transfer.download.parallel import ParallelRanges, StartOver
from airflow_provider_taskcluster.transfer.download.plan import SEGMENT, STRETCH, reasons_against_parallel
from airflow_provider_taskcluster.transfer.download.receiver import Receiver
from airflow_provider_taskcluster.transfer.http.ranges import (
    DEFAULT_TYPE,
    PARTIAL,
    UNSATISFIABLE,
    ByteRange,
    match_partial,
)
from airflow_provider_taskcluster.transfer.http.request import get_response
from airflow_provider_taskcluster.transfer.model import Body, TransferResult
from airflow_provider_taskcluster.transfer.parts_manifest import is_manifest
from airflow_provider_taskcluster.transfer.progress import Reporter
from airflow_provider_taskcluster.transfer.sink.checkpoint import checkpoint_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_taskcluster.transfer.config import TransferConfig
    from airflow_provider_taskcluster.transfer.http.client import StoreClient
    from airflow_provider_taskcluster.transfer.http.grants import Renewable
    from airflow_provider_taskcluster.transfer.http.ranges import Facts
    from airflow_provider_taskcluster.transfer.http.response import StoreResponse
    from airflow_provider_taskcluster.transfer.model import Grant
    from airflow_provider_taskcluster.transfer.sink.base import Sink

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FetchRequest:
    """One body to fetch.

    :param name: Object or artifact name, for errors.
    :param identity: Identifies the body in checkpoints: its name; for an artifact, also task and run.
    :param hashes: Digests that the service names.
    :param method: The download method.
    :param max_bytes: Refuse more than this; None for no limit.
    :param whole_only: Raise ``ManifestFound`` for a manifest of parts, instead of fetching the manifest itself.
    :param expected: Announced size and type.
    """

    name: str
    identity: Mapping[str, object]
    hashes: Mapping[str, str]
    method: str
    max_bytes: int | None
    whole_only: bool = False
    expected: Expected = field(default_factory=Expected)


class ManifestFound(Exception):
    """The body is the manifest of an object that was uploaded in parts."""


class _DoubtfulTotal(Exception):
    """The first range's total length is not the announced one: the whole body is requested to confirm it."""


class Fetch:
    """Transfers one body from a store to a sink."""

    def __init__(
        self,
        request: FetchRequest,
        grants: Renewable[Grant],
        sink: Sink,
        store: StoreClient,
        config: TransferConfig,
        *,
        reporter: Reporter | None = None,
    ) -> None:
        self._request = request
        self._grants = grants
        self._sink = sink
        self._store = store
        self._config = config
        self._reporter = reporter or Reporter(request.name, config.progress_seconds, config.on_progress)
        self._receiver = self._new_receiver()
        self._ranges = True
        self._speed = 0.0
        self._complete = False

    def result(self) -> TransferResult:
        """Fetch, verify and commit the body; return the transfer's result.

        :raises ManifestFound: The body is a manifest of parts, and ``whole_only`` is set.
        """
        present = self._request.expected.present(self._request.hashes)
        body = present or self.run()
        return TransferResult(
            name=self._request.name,
            size=body.size,
            content_type=body.content_type,
            digests=body.digests,
            method=self._request.method,
            verified=body.verified,
            attempts=body.attempts,
            already_present=present is not None,
            destination=self._sink.path,
            content=self._sink.content(),
        )

    def run(self) -> Body:
        """Fetch, verify and commit the body. After a transient error, received bytes are kept for the next try."""
        try:
            body = self._fetch_body(resume=True)
            self._sink.commit()
        except BaseException as error:
            self._receiver.stop()
            self._sink.leave(error, self._receiver.save_checkpoint)
            raise
        self._receiver.stop()
        self._reporter.finish()
        return body

    def _fetch_body(self, *, resume: bool) -> Body:
        resumed = resume and self._receiver.resume(self._store.check)
        try:
            self._fetch()
            return self._body()
        except HashMismatch:
            if not resumed:
                raise
        log.warning("What was on this disk of %r is not good: fetching all of it anew", self._request.name)
        self._receiver = self._new_receiver()
        self._complete = False
        return self._fetch_body(resume=False)

    def _fetch(self) -> None:
        """Fetch in order until the body is complete or the rest can be fetched in parallel."""
        loop = self._store.network.retry.retrying(
            progress=lambda: self._receiver.offset, sleep=self._store.sleep, failed=self._reporter.count_failure
        )
        while True:
            loop(self._attempt)
            forbidden = self._parallel_forbidden()
            if self._complete:
                return
            if forbidden:
                continue
            try:
                self._in_parallel()
            except StartOver:
                log.info("The store does not go on with ranges of %r: starting over", self._request.name)
                self._receiver.stop()
                self._receiver, self._ranges = self._new_receiver(), False
                continue
            return

    def _body(self) -> Body:
        facts = self._facts()
        self._request.expected.check_size(self._request.name, facts, self._receiver.size)
        digests, verified = self._receiver.verified()
        return Body(self._receiver.size, facts.content_type or DEFAULT_TYPE, digests, verified, self._reporter.attempt)

    def _attempt(self) -> None:
        """Make one request and receive its response."""
        self._store.check()
        byte_range = self._next_range()
        try:
            with get_response(self._store, self._grants, byte_range, self._receiver.facts) as response:
                if self._request.whole_only and is_manifest(response.facts.content_type):
                    raise ManifestFound
                self._check_headers(response)
                self._receive(response, self._locate(response))
        except StoreError as error:
            if error.status != UNSATISFIABLE or byte_range is None:
                raise
            self._handle_unsatisfiable()
        except _DoubtfulTotal:
            self._restart_without_ranges()
            self._attempt()

    def _check_headers(self, response: StoreResponse) -> None:
        """Check a response that begins the body against the announced size and type.

        :raises NotAsAnnounced: They differ.
        :raises _DoubtfulTotal: The length differs, but only by one response's Content-Range.
        """
        partial = response.status == PARTIAL
        if partial and self._receiver.offset:  # checked against the body's first response instead
            return
        if partial and self._ranges and not self._request.expected.fits_size_of(response.facts):
            raise _DoubtfulTotal
        self._request.expected.check_headers(self._request.name, response.facts)

    def _next_range(self) -> ByteRange | None:
        """Return the next range: one segment while a parallel fetch is possible, else all that is left."""
        offset = self._receiver.offset
        if self._ranges and self._sink.seekable and self._config.connections > 1:
            if not offset:  # learn the length and the speed
                return ByteRange(0, SEGMENT)
            total = self._facts().total
            if total is not None and not self._facts().encoding:
                return ByteRange(offset, min(offset + STRETCH, total))
        return ByteRange(offset) if offset else None

    def _locate(self, response: StoreResponse) -> int | None:
        """Align the receiver with the response's range; return where the range ends, None if unknown."""
        receiver = self._receiver
        if response.status != PARTIAL:
            if receiver.offset:
                log.info("The store sends all of %r again: starting over", self._request.name)
            self._ranges = False
            receiver.begin(response.facts)
            return response.facts.total
        known = receiver.facts if receiver.offset and receiver.facts else response.facts
        span = match_partial(
            response.headers, receiver.offset, known, response.facts, hashed=bool(self._request.hashes)
        )
        if span is None:
            self._restart_without_ranges()
            raise RangeMismatch(f"The store answered a range of {self._request.name!r} with other bytes: starting over")
        if not receiver.offset:
            receiver.begin(response.facts)
        elif known.total is None:
            receiver.set_total(response.facts.total)
        response.skip(span.skip)
        return span.stop

    def _receive(self, response: StoreResponse, stop: int | None) -> None:
        """Receive the response's bytes up to ``stop``."""
        receiver = self._receiver
        waited = received = 0.0
        while stop is None or receiver.offset < stop:
            buffer = receiver.pool.take()
            count, started = 0, time.monotonic()
            try:
                count = response.readinto(buffer if stop is None else buffer[: stop - receiver.offset])
            finally:
                if not count:
                    receiver.pool.give_back(buffer)
            if not count:
                break
            waited, received = waited + time.monotonic() - started, received + count
            receiver.take(buffer, count)
            self._store.check()
        self._speed = received / waited if waited else 0.0
        if stop is not None and receiver.offset < stop:
            raise Truncated(f"{self._request.name!r} ended after {receiver.offset} of {stop} bytes; {TRY_AGAIN}")
        if stop == self._facts().total:
            receiver.end(marked=response.marked)
            self._complete = True

    def _handle_unsatisfiable(self) -> None:
        """Handle a 416: the body has changed, or is empty."""
        first = not self._receiver.offset
        self._restart_without_ranges()
        if not first:
            raise RangeMismatch(f"{self._request.name!r} is shorter in the store than before: starting over")
        self._attempt()

    def _restart_without_ranges(self) -> None:
        self._receiver.stop()
        self._receiver, self._ranges = self._new_receiver(), False

    def _parallel_forbidden(self) -> bool:
        reasons = reasons_against_parallel(
            self._facts(),
            connections=self._config.connections,
            seekable=self._sink.seekable,
            ranges=self._ranges,
            speed=self._speed,
        )
        log.debug("%r: %r", self._request.name, reasons or [f"{self._config.connections} connections"])
        return bool(reasons)

    def _in_parallel(self) -> None:
        facts = self._facts()
        assert facts.total is not None
        self._receiver.flush()
        self._sink.reserve(facts.total)
        hashed, connections = bool(self._request.hashes), self._config.connections
        ParallelRanges(self._receiver, facts, self._grants, self._store, connections, hashed=hashed).run()

    def _facts(self) -> Facts:
        assert self._receiver.facts is not None
        return self._receiver.facts

    def _new_receiver(self) -> Receiver:
        request = self._request
        return Receiver(
            request.name,
            key=checkpoint_key(request.identity, request.hashes),
            hashes=request.hashes,
            digests=self._config.digests,
            sink=self._sink,
            reporter=self._reporter,
            buffer_size=self._config.buffer_size,
            max_bytes=request.max_bytes,
        )

"""Fetches one body into a sink: in order, resumed after failures, in parallel ranges where nothing forbids it."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common.framing import unsatisfied_total
from airflow_provider_taskcluster.common.retry import TRY_AGAIN
from airflow_provider_taskcluster.exceptions import HashMismatch, RangeMismatch, StoreError, Truncated
from airflow_provider_taskcluster.transfer.download.expected import Expected
from airflow_provider_taskcluster.transfer.download.parallel import ParallelRanges, StartOver
from airflow_provider_taskcluster.transfer.download.plan import SEGMENT, STRETCH, reasons_against_parallel
from airflow_provider_taskcluster.transfer.download.receiver import Intake
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
class Wanted:
    """What is to be fetched.

    :param name: Of the object or artifact, for errors.
    :param what: Tells it from others in records: its name, and of an artifact also task and run.
    :param hashes: Digests that the service names.
    :param method: How its bytes are reached.
    :param max_bytes: Refuse more than this; None for no limit.
    :param whole_only: Do not take the manifest of parts in the place of the whole.
    :param expected: What is known of it before.
    """

    name: str
    what: Mapping[str, object]
    hashes: Mapping[str, str]
    method: str
    max_bytes: int | None
    whole_only: bool = False
    expected: Expected = field(default_factory=Expected)


class ManifestFound(Exception):
    """The object was uploaded in parts: what came is their manifest."""


class _DoubtfulTotal(Exception):
    """The first range tells of another length than was announced: the whole is asked for, and tells it once more."""


class Fetch:
    """One body on its way from a store to a sink."""

    def __init__(
        self,
        wanted: Wanted,
        grants: Renewable[Grant],
        sink: Sink,
        store: StoreClient,
        config: TransferConfig,
        *,
        reporter: Reporter | None = None,
    ) -> None:
        self._wanted = wanted
        self._grants = grants
        self._sink = sink
        self._store = store
        self._config = config
        self._reporter = reporter or Reporter(wanted.name, config.progress_seconds, config.on_progress)
        self._intake = self._new_intake()
        self._ranges = True
        self._speed = 0.0
        self._complete = False

    def result(self, started: float) -> TransferResult:
        """Fetch, verify, commit, and sum up what was moved.

        :param started: Monotonic time of the first call.
        :raises ManifestFound: It is one, and the whole was wanted.
        """
        present = self._wanted.expected.present(self._wanted.hashes)
        body = present or self.run()
        return TransferResult(
            name=self._wanted.name,
            size=body.size,
            content_type=body.content_type,
            digests=body.digests,
            method=self._wanted.method,
            verified=body.verified,
            attempts=body.attempts,
            seconds=time.monotonic() - started,
            already_present=present is not None,
            destination=self._sink.path,
            content=self._sink.content(),
        )

    def run(self) -> Body:
        """Fetch, verify and commit. What arrived before an error that may pass is kept for the next try."""
        try:
            body = self._fetched(resume=True)
            self._sink.commit()
        except BaseException as error:
            self._intake.stop()
            self._sink.leave(error, self._intake.note)
            raise
        self._intake.stop()
        self._reporter.finish()
        return body

    def _fetched(self, *, resume: bool) -> Body:
        adopted = resume and self._intake.adopt(self._store.check)
        try:
            self._fetch()
            return self._body()
        except HashMismatch:
            if not adopted:
                raise
        log.warning("What was on this disk of %r is not good: fetching all of it anew", self._wanted.name)
        self._intake = self._new_intake()
        self._complete = False
        return self._fetched(resume=False)

    def _fetch(self) -> None:
        """Fetch in order, until it is complete or the rest can be fetched in parallel."""
        loop = self._store.network.retry.retrying(
            progress=lambda: self._intake.offset, sleep=self._store.sleep, failed=self._reporter.count_failure
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
                log.info("The store does not go on with ranges of %r: starting over", self._wanted.name)
                self._intake.stop()
                self._intake, self._ranges = self._new_intake(), False
                continue
            return

    def _body(self) -> Body:
        facts = self._known()
        self._wanted.expected.check_last(self._wanted.name, facts, self._intake.size)
        digests, verified = self._intake.verified()
        return Body(self._intake.size, facts.content_type or DEFAULT_TYPE, digests, verified, self._reporter.attempt)

    def _attempt(self) -> None:
        """Make one request and take what comes."""
        self._store.check()
        wanted = self._next_range()
        try:
            with get_response(self._store, self._grants, wanted, self._intake.facts) as answer:
                if self._wanted.whole_only and is_manifest(answer.facts.content_type):
                    raise ManifestFound
                self._check_first(answer)
                self._receive(answer, self._place(answer))
        except StoreError as error:
            if error.status != UNSATISFIABLE or wanted is None:
                raise
            self._unsatisfied(error)
        except _DoubtfulTotal:
            self._no_more_ranges()
            self._attempt()

    def _check_first(self, answer: StoreResponse) -> None:
        """Compare an answer that begins the body with what was announced.

        :raises NotAsAnnounced: It is something else.
        :raises _DoubtfulTotal: It has another length, by the Content-Range of one answer alone.
        """
        partial = answer.status == PARTIAL
        if partial and self._intake.offset:  # compared with what began the body instead
            return
        if partial and self._ranges and not self._wanted.expected.fits_size_of(answer.facts):
            raise _DoubtfulTotal
        self._wanted.expected.check_first(self._wanted.name, answer.facts)

    def _next_range(self) -> ByteRange | None:
        """Return what to ask for: a piece, if more connections may come in, or all that is left."""
        offset = self._intake.offset
        if self._ranges and self._sink.seekable and self._config.connections > 1:
            if not offset:  # learn what the body is, and how fast it comes
                return ByteRange(0, SEGMENT)
            total = self._known().total
            if total is not None and not self._known().encoding:
                return ByteRange(offset, min(offset + STRETCH, total))
        return ByteRange(offset) if offset else None

    def _place(self, answer: StoreResponse) -> int | None:
        """Find out where in the body the answer begins; return where it ends, None if that is not known."""
        intake = self._intake
        if answer.status != PARTIAL:
            if intake.offset:
                log.info("The store sends all of %r again: starting over", self._wanted.name)
            self._ranges = False
            intake.begin(answer.facts)
            return answer.facts.total
        known = intake.facts if intake.offset and intake.facts else answer.facts
        found = match_partial(answer.headers, intake.offset, known, answer.facts, hashed=bool(self._wanted.hashes))
        if found is None:
            self._no_more_ranges()
            raise RangeMismatch(f"The store answered a range of {self._wanted.name!r} with other bytes: starting over")
        if not intake.offset:
            intake.begin(answer.facts)
        elif known.total is None:
            intake.learn(answer.facts.total)
        answer.skip(found.skip)
        return found.stop

    def _receive(self, answer: StoreResponse, stop: int | None) -> None:
        """Take what the answer brings, up to ``stop`` and not a byte more."""
        intake = self._intake
        waited = received = 0.0
        while stop is None or intake.offset < stop:
            buffer = intake.pool.take()
            count, started = 0, time.monotonic()
            try:
                count = answer.readinto(buffer if stop is None else buffer[: stop - intake.offset])
            finally:
                if not count:
                    intake.pool.give_back(buffer)
            if not count:
                break
            waited, received = waited + time.monotonic() - started, received + count
            intake.take(buffer, count)
            self._store.check()
        self._speed = received / waited if waited else 0.0
        if stop is not None and intake.offset < stop:
            raise Truncated(f"{self._wanted.name!r} ended after {intake.offset} of {stop} bytes; {TRY_AGAIN}")
        if stop == self._known().total:
            intake.end(marked=answer.marked)
            self._complete = True

    def _unsatisfied(self, error: StoreError) -> None:
        """Deal with a 416: there is nothing behind what we have, or the body is another one."""
        total = unsatisfied_total(error.content_range)
        if self._intake.offset and total == self._intake.offset == self._known().total:
            self._intake.end(marked=True)
            self._complete = True
            return
        first = not self._intake.offset
        self._no_more_ranges()
        if not first:
            raise RangeMismatch(f"{self._wanted.name!r} is shorter in the store than before: starting over")
        self._attempt()

    def _no_more_ranges(self) -> None:
        self._intake.stop()
        self._intake, self._ranges = self._new_intake(), False

    def _parallel_forbidden(self) -> bool:
        reasons = reasons_against_parallel(
            self._known(),
            connections=self._config.connections,
            seekable=self._sink.seekable,
            ranges=self._ranges,
            speed=self._speed,
        )
        log.debug("%r: %r", self._wanted.name, reasons or [f"{self._config.connections} connections"])
        return bool(reasons)

    def _in_parallel(self) -> None:
        facts = self._known()
        assert facts.total is not None
        self._intake.settle()
        self._sink.reserve(facts.total)
        hashed, connections = bool(self._wanted.hashes), self._config.connections
        ParallelRanges(self._intake, facts, self._grants, self._store, connections, hashed=hashed).run()

    def _known(self) -> Facts:
        assert self._intake.facts is not None
        return self._intake.facts

    def _new_intake(self) -> Intake:
        wanted = self._wanted
        return Intake(
            wanted.name,
            key=checkpoint_key(wanted.what, wanted.hashes),
            hashes=wanted.hashes,
            digests=self._config.digests,
            sink=self._sink,
            reporter=self._reporter,
            buffer_size=self._config.buffer_size,
            max_bytes=wanted.max_bytes,
        )

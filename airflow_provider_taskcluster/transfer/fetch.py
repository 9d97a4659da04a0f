"""Fetches one body into a sink, and checks all that can be checked about it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.exceptions import StoreError, TooLarge
from airflow_provider_taskcluster.transfer import digest
from airflow_provider_taskcluster.transfer.encoding import ACCEPT_ENCODING, decoder_for
from airflow_provider_taskcluster.transfer.model import Body, TransferResult

if TYPE_CHECKING:
    from airflow_provider_taskcluster.transfer.config import TransferConfig
    from airflow_provider_taskcluster.transfer.grants import Renewable
    from airflow_provider_taskcluster.transfer.http import Answer, Store
    from airflow_provider_taskcluster.transfer.model import Grant
    from airflow_provider_taskcluster.transfer.sink import Sink


@dataclass(frozen=True)
class Fetch:
    """One body on its way from a store to a sink.

    :param name: Of the object or artifact, for errors.
    :param max_bytes: Refuse more than this; None for no limit.
    """

    name: str
    grants: Renewable[Grant]
    sink: Sink
    store: Store
    config: TransferConfig
    max_bytes: int | None

    def run(self) -> Body:
        """Fetch, verify and commit; begin again after what may pass, leave nothing behind otherwise."""
        loop = self.store.network.retry.retrying()
        try:
            body: Body = loop(lambda: self._attempt(int(loop.statistics["attempt_number"])))
            self.sink.commit()
        except BaseException as error:
            try:
                self.sink.discard()
            except OSError as failure:
                error.add_note(f"What had arrived could not be removed: {failure}")
            raise
        return body

    def result(self, method: str, started: float) -> TransferResult:
        """Run, and sum up what was moved.

        :param method: How the bytes were reached.
        :param started: Monotonic time of the first call.
        """
        body = self.run()
        return TransferResult(
            name=self.name,
            size=body.size,
            content_type=body.content_type,
            digests=body.digests,
            method=method,
            verified=body.verified,
            attempts=body.attempts,
            seconds=time.monotonic() - started,
            destination=self.sink.path,
            content=self.sink.content(),
        )

    def _attempt(self, number: int) -> Body:
        grant = self.grants.current()
        try:
            with self.store.get(grant.url, {"Accept-Encoding": ACCEPT_ENCODING}, redirects=grant.redirects) as answer:
                return self._stream(answer, grant, number)
        except StoreError as error:
            error.transient |= error.status in {401, 403} and self.grants.refused()
            raise

    def _stream(self, answer: Answer, grant: Grant, number: int) -> Body:
        decoder = decoder_for(answer.encoding, self.config.buffer_size)
        hashers = digest.Hashers(digest.to_compute(grant.hashes))
        size = 0
        self._limit(answer.length or 0)
        self.sink.begin(None if answer.encoding else answer.length)
        for chunk in answer.chunks(self.config.buffer_size):
            for piece in decoder.decode(chunk):
                size += len(piece)
                self._limit(size)
                hashers.update(piece)
                self.sink.write(piece)
        decoder.finish()
        digests = hashers.digests()
        verified = digest.verify(self.name, grant.hashes, digests)
        measured = answer.length is not None or answer.encoding
        return Body(size, answer.content_type, digests, verified or ("length" if measured else "none"), number)

    def _limit(self, size: int) -> None:
        if self.max_bytes is not None and size > self.max_bytes:
            raise TooLarge(f"{self.name!r} has more than the {self.max_bytes} bytes allowed: raise max_bytes")

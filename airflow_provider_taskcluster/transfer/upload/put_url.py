"""``putUrl``: one PUT to a signed URL (object/v1/upload-method-put-url.json)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.common.redaction import public_url
from airflow_provider_taskcluster.exceptions import StoreError
from airflow_provider_taskcluster.transfer.config import MIB
from airflow_provider_taskcluster.transfer.hashing.pipeline import Hashing
from airflow_provider_taskcluster.transfer.http.grants import Renewable
from airflow_provider_taskcluster.transfer.http.redirects import MAX_REDIRECTS
from airflow_provider_taskcluster.transfer.source.errors import source_errors
from airflow_provider_taskcluster.transfer.source.read_ahead import ReadAheadHashers
from airflow_provider_taskcluster.transfer.source.reading import fill, has_more
from airflow_provider_taskcluster.transfer.threads.buffers import Block, BufferPool, Failure
from airflow_provider_taskcluster.transfer.upload.method import Offer, UploadMethod

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_taskcluster.transfer.http.client import StoreClient
    from airflow_provider_taskcluster.transfer.model import Json
    from airflow_provider_taskcluster.transfer.source.reading import Reader

# Buffers of 1 MiB that may wait for the hashers while bytes are sent; eight parts are sent at a time.
PUT_BUFFERS = 4


@dataclass(frozen=True)
class PutGrant:
    """Grant to PUT one body: the URL, the exact headers that are signed with it, and its expiry."""

    url: str = field(repr=False)
    headers: dict[str, str]
    expires: datetime

    @classmethod
    def read(cls, granted: Json) -> PutGrant:
        """Parse the service's response."""
        return cls(granted["url"], granted["headers"], datetime.fromisoformat(granted["expires"]))


class PutUrl(UploadMethod):
    """Upload of the whole body by one PUT."""

    name = "putUrl"

    def propose(self, offer: Offer) -> Json | None:
        return {"contentType": offer.content_type, "contentLength": offer.measured.size}

    def move(self, offer: Offer, granted: Any, renew: Callable[[], Any], store: StoreClient) -> dict[str, str]:
        grants = Renewable(lambda: PutGrant.read(renew()), PutGrant.read(granted))
        sleep = partial(store.sleep, failure=offer.failure)
        loop = store.network.retry.retrying(sleep=sleep, failed=offer.reporter.count_failure)
        digests: dict[str, str] = loop(_put, offer, grants, store)
        return digests


def _put(offer: Offer, grants: Renewable[PutGrant], store: StoreClient) -> dict[str, str]:
    grant = grants.current()
    url = grant.url
    try:
        for _ in range(MAX_REDIRECTS + 1):
            sent = _send(offer, url, grant.headers, store)
            if not isinstance(sent, str):
                grants.accepted()
                return sent
            url = sent
    except StoreError as error:
        error.transient |= error.refuses_grant and grants.refused(grant)
        raise
    raise StoreError(f"PUT {public_url(grant.url)} is redirected again and again: ask those who run this store")


def _send(offer: Offer, url: str, headers: dict[str, str], store: StoreClient) -> dict[str, str] | str:
    """Send the source from its beginning; return its digests, or the URL of a redirect."""
    offer.reporter.restart(offer.measured.size)
    with offer.source.reading() as reader:
        body = CheckedBody(reader, offer, store.check)
        try:
            return store.put(url, headers, body, offer.measured.size) or body.finish()
        finally:
            try:
                body.close()
            except BaseException:  # a signal, maybe before anything was closed
                body.close()
                raise


class CheckedBody:
    """The body of a PUT, checked to be exactly the measured bytes.

    The fingerprint is compared and the sha512 computed during the sending. The last bytes are sent only if all match:
    the store keeps nothing of a PUT that is cut short, so a late try whose source has changed cannot overwrite the
    object that another try finished.
    """

    def __init__(self, reader: Reader, offer: Offer, check: Callable[[], None] = lambda: None) -> None:
        failure = Failure()
        self._reader = reader
        self._offer = offer
        self._check = check
        self._left = offer.measured.size
        self._digests: dict[str, str] | None = None
        self._pool = BufferPool(PUT_BUFFERS, min(MIB, self._left), failure)
        self._sending: Block | None = None
        self._read_ahead = ReadAheadHashers(offer.source, offer.measured.take_hashers(), offer.measured.size)
        self._again = offer.measured.fingerprint.with_same_key()
        self._hashing = Hashing(
            [self._read_ahead] if offer.measured.algorithms else [], failure, threaded=offer.failure is None
        )

    def read(self, size: int, /) -> memoryview:
        """Return the next bytes for the connection; they are valid until the next call.

        :raises SourceChanged: The bytes are not the measured ones.
        :raises SourceError: The source cannot be read.
        """
        self._check()
        self._hash()
        if not self._left:
            return memoryview(b"")
        buffer = self._pool.take()
        with source_errors(self._offer.source.description):
            count = fill(self._reader, buffer[: min(size, self._left)])
        if not count:
            raise self._offer.changed(f"it ended {self._left} bytes early")
        self._left -= count
        self._again.update(buffer[:count])
        self._sending = Block(buffer[:count], buffer, self._pool)
        if not self._left:
            self.finish()
        self._offer.reporter.advance(count)
        return buffer[:count]

    def _hash(self) -> None:
        """Hash the bytes that were sent, so that their buffer can be reused."""
        if self._sending:
            self._hashing.feed(self._sending)
            self._sending = None

    def finish(self) -> dict[str, str]:
        """Check that exactly the measured bytes were sent; return their digests.

        :raises SourceChanged: The bytes differ; the upload must not be finished.
        """
        if self._digests is None:
            self._hash()
            with source_errors(self._offer.source.description):
                more = has_more(self._reader)
            if more:
                raise self._offer.changed("it has grown")
            if not self._again.matches(self._offer.measured.fingerprint):
                raise self._offer.changed("its bytes are others now")
            digests = self._hashing.digests()
            if not self._read_ahead.matches_measured():
                raise self._offer.changed("for a moment its bytes were others")
            self._digests = {"sha256": self._offer.measured.sha256, **digests}
        return self._digests

    def close(self) -> None:
        """End the hashing."""
        try:
            self._read_ahead.close()
        finally:
            self._hashing.stop()
            self._pool.close()

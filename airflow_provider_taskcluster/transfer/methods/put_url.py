"""``putUrl``: one PUT to a signed URL (object/v1/upload-method-put-url.json)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.exceptions import SourceChanged, StoreError
from airflow_provider_taskcluster.transfer.digest import Hashers
from airflow_provider_taskcluster.transfer.grants import Renewable
from airflow_provider_taskcluster.transfer.negotiation import Offer, UploadMethod

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_taskcluster.transfer.http import Store
    from airflow_provider_taskcluster.transfer.model import Json
    from airflow_provider_taskcluster.transfer.source import Reader


@dataclass(frozen=True)
class PutGrant:
    """Leave to PUT one body: the URL, the exact headers that are signed with it, and when it ends."""

    url: str = field(repr=False)
    headers: dict[str, str]
    expires: datetime

    @classmethod
    def read(cls, granted: Json) -> PutGrant:
        """Read the service's answer."""
        return cls(granted["url"], granted["headers"], datetime.fromisoformat(granted["expires"]))


class PutUrl(UploadMethod):
    """The whole body in one request."""

    name = "putUrl"

    def propose(self, offer: Offer) -> Json | None:
        return {"contentType": offer.content_type, "contentLength": offer.measured.size}

    def move(self, offer: Offer, granted: Any, renew: Callable[[], Any], store: Store) -> int:
        grants = Renewable(lambda: PutGrant.read(renew()), PutGrant.read(granted))
        loop = store.network.retry.retrying()
        loop(_put, offer, grants, store)
        return int(loop.statistics["attempt_number"])


def _put(offer: Offer, grants: Renewable[PutGrant], store: Store) -> None:
    grant = grants.current()
    with offer.source.reading() as reader:
        body = CheckedBody(reader, offer)
        try:
            store.put(grant.url, grant.headers, body, offer.measured.size)
        except StoreError as error:
            error.transient |= error.status in {401, 403} and grants.refused()
            raise
        body.finish()


class CheckedBody:
    """The body of a PUT. It must be the bytes that were hashed: no more, no less, no others."""

    def __init__(self, reader: Reader, offer: Offer) -> None:
        self._reader = reader
        self._offer = offer
        self._left = offer.measured.size
        self._hashers = Hashers(["sha256"])

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes for the connection."""
        wanted = self._left if size < 0 else min(size, self._left)
        data = self._reader.read(wanted) if wanted else b""
        if wanted and not data:
            raise self._changed(f"it ended {self._left} bytes early")
        self._left -= len(data)
        self._hashers.update(data)
        return data

    def finish(self) -> None:
        """Check that what was sent is what was announced.

        :raises SourceChanged: It is not; the upload must not be finished.
        """
        if self._reader.read(1):
            raise self._changed("it has grown")
        if self._hashers.digests()["sha256"] != self._offer.measured.digests["sha256"]:
            raise self._changed("its bytes are others now")

    def _changed(self, how: str) -> SourceChanged:
        return SourceChanged(
            f"The {self._offer.source.description} changed while it was uploaded ({how}), so the upload was not "
            f"finished: run the task again when the source is complete"
        )

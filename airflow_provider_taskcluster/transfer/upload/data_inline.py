"""``dataInline``: small data inside the createUpload request (object/v1/upload-method-data-inline.json)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.transfer.hashing.digests import Hashers
from airflow_provider_taskcluster.transfer.source.errors import source_errors
from airflow_provider_taskcluster.transfer.source.reading import read_up_to
from airflow_provider_taskcluster.transfer.upload.method import Offer, UploadMethod

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_taskcluster.transfer.http.client import StoreClient
    from airflow_provider_taskcluster.transfer.model import Json

# Bytes; the schema allows 10926 characters of base64.
LONGEST = 8192


class DataInline(UploadMethod):
    """Upload as base64 in the request."""

    name = "dataInline"

    def propose(self, offer: Offer) -> Json | None:
        if not 0 < offer.measured.size <= LONGEST:  # empty data makes some deployments of the service leak a connection
            return None
        return {"contentType": offer.content_type, "objectData": base64.b64encode(_data(offer)).decode()}

    def move(self, offer: Offer, granted: Any, renew: Callable[[], Any], store: StoreClient) -> dict[str, str]:
        data = _data(offer)
        offer.reporter.restart(len(data))
        offer.reporter.advance(len(data))
        hashers = Hashers(offer.measured.algorithms)
        hashers.update(data)
        return {"sha256": offer.measured.sha256, **hashers.digests()}


def _data(offer: Offer) -> bytes:
    """Read the source again, and check that its bytes are the measured ones."""
    with source_errors(offer.source.description), offer.source.reading() as reader:
        data = bytes(read_up_to(reader, LONGEST + 1))
    again = offer.measured.fingerprint.with_same_key()
    again.update(data)
    if not again.matches(offer.measured.fingerprint):
        raise offer.changed("its bytes are others now")
    return data

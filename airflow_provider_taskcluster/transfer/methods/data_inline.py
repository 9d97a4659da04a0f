"""``dataInline``: small data travels inside createUpload itself (object/v1/upload-method-data-inline.json)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.transfer.digest import ACCEPTABLE, Hashers
from airflow_provider_taskcluster.transfer.negotiation import Offer, UploadMethod
from airflow_provider_taskcluster.transfer.reading import held
from airflow_provider_taskcluster.transfer.source_errors import readable

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_taskcluster.transfer.http import Store
    from airflow_provider_taskcluster.transfer.model import Json

# The request takes 10926 characters of base64.
LONGEST = 8192


class DataInline(UploadMethod):
    """Base64 in the request."""

    name = "dataInline"

    def propose(self, offer: Offer) -> Json | None:
        if offer.measured.size > LONGEST:
            return None
        return {"contentType": offer.content_type, "objectData": base64.b64encode(_data(offer)).decode()}

    def move(self, offer: Offer, granted: Any, renew: Callable[[], Any], store: Store) -> dict[str, str]:
        data = _data(offer)
        offer.reporter.restart(len(data))
        offer.reporter.advance(len(data))
        return _digests(data)


def _data(offer: Offer) -> bytes:
    """Read the source once more, and make sure that it is what was measured."""
    with readable(offer.source), offer.source.reading() as reader:
        data = bytes(held(reader, LONGEST + 1))
    if _digests(data)["sha256"] != offer.measured.sha256:
        raise offer.changed("its bytes are others now")
    return data


def _digests(data: bytes) -> dict[str, str]:
    hashers = Hashers(ACCEPTABLE)
    hashers.update(data)
    return hashers.digests()

"""``dataInline``: small data travels inside createUpload itself (object/v1/upload-method-data-inline.json)."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.exceptions import SourceChanged
from airflow_provider_taskcluster.transfer.negotiation import Offer, UploadMethod

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
        with offer.source.reading() as reader:
            data = b""
            while len(data) <= LONGEST and (more := reader.read(LONGEST + 1 - len(data))):
                data += more
        if hashlib.sha256(data).hexdigest() != offer.measured.digests["sha256"]:
            raise SourceChanged(f"The {offer.source.description} changed while it was uploaded: run the task again")
        return {"contentType": offer.content_type, "objectData": base64.b64encode(data).decode()}

    def move(self, offer: Offer, granted: Any, renew: Callable[[], Any], store: Store) -> int:
        return 0

"""``getUrl``: a signed URL and the content's hashes (object/v1/download-method-geturl.json)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.transfer.download.method import DownloadMethod
from airflow_provider_taskcluster.transfer.model import Grant

if TYPE_CHECKING:
    from airflow_provider_taskcluster.transfer.model import Json


class GetUrl(DownloadMethod):
    """Download by a signed URL, which by contract never redirects."""

    name = "getUrl"

    def accept(self) -> bool:
        return True

    def grant(self, response: Json) -> Grant:
        return Grant(
            url=response["url"],
            method=self.name,
            expires=datetime.fromisoformat(response["expires"]),
            hashes=response["hashes"],
        )

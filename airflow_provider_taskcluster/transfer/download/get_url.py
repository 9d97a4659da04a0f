"""``getUrl``: a signed URL and the hashes of what is behind it (object/v1/download-method-geturl.json)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.transfer.download.method import DownloadMethod
from airflow_provider_taskcluster.transfer.model import Grant

if TYPE_CHECKING:
    from airflow_provider_taskcluster.transfer.model import Json


class GetUrl(DownloadMethod):
    """The URL never redirects, by contract."""

    name = "getUrl"

    def accept(self) -> bool:
        return True

    def grant(self, answer: Json) -> Grant:
        return Grant(
            url=answer["url"],
            method=self.name,
            expires=datetime.fromisoformat(answer["expires"]),
            hashes=answer["hashes"],
        )

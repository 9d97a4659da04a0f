"""``simple``: a plain URL, which may redirect (object/v1/download-method-simple.json)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_taskcluster.transfer.download.method import DownloadMethod
from airflow_provider_taskcluster.transfer.http.redirects import MAX_REDIRECTS
from airflow_provider_taskcluster.transfer.model import Grant

if TYPE_CHECKING:
    from airflow_provider_taskcluster.transfer.model import Json


class Simple(DownloadMethod):
    """Download by a plain URL. The response has no hashes: they come from the object's metadata."""

    name = "simple"

    def accept(self) -> bool:
        return True

    def grant(self, response: Json) -> Grant:
        return Grant(url=response["url"], method=self.name, redirects=MAX_REDIRECTS)

"""``simple``: a plain URL, which may redirect (object/v1/download-method-simple.json)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_taskcluster.transfer.download.method import DownloadMethod
from airflow_provider_taskcluster.transfer.http.redirects import MAX_REDIRECTS
from airflow_provider_taskcluster.transfer.model import Grant

if TYPE_CHECKING:
    from airflow_provider_taskcluster.transfer.model import Json


class Simple(DownloadMethod):
    """The hashes come from the object's metadata, since the answer has none."""

    name = "simple"

    def accept(self) -> bool:
        return True

    def grant(self, answer: Json) -> Grant:
        return Grant(url=answer["url"], method=self.name, redirects=MAX_REDIRECTS)

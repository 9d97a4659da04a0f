"""The download methods: the client accepts all of them, and the object service picks one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_taskcluster.transfer.download.get_url import GetUrl
from airflow_provider_taskcluster.transfer.download.simple import Simple

if TYPE_CHECKING:
    from airflow_provider_taskcluster.transfer.download.method import DownloadMethod

DOWNLOAD_METHODS: tuple[DownloadMethod, ...] = (GetUrl(), Simple())

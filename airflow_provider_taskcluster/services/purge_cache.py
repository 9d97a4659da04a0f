"""Calls of the purge-cache service (``purge-cache/v1/api.json``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common.timestamps import iso_timestamp
from airflow_provider_taskcluster.services.paging import pages
from airflow_provider_taskcluster.services.schemas import NO_CONTENT, PURGE_REQUESTS
from airflow_provider_taskcluster.services.service_calls import ServiceCalls

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from airflow_provider_taskcluster.services.schemas import Json, PurgeRequest, PurgeRequestPage

SERVICE = "purge-cache"


class PurgeCache(ServiceCalls):
    """Calls of the purge-cache service through one client."""

    async def purge(self, worker_pool_id: str, cache_name: str) -> None:
        """Ask workers of a pool to drop a cache. Scope ``purge-cache:<workerPoolId>:<cacheName>``."""
        await self.client.call(
            SERVICE, "purgeCache", worker_pool_id, payload={"cacheName": cache_name}, read=NO_CONTENT
        )

    async def requests(self, worker_pool_id: str, since: datetime | None = None) -> list[PurgeRequest]:
        """Return the open purge requests of one pool; the service caches them for 10 s.

        Scope ``purge-cache:purge-requests::<workerPoolId>``.
        """
        query = {"since": iso_timestamp(since)} if since else None
        response: PurgeRequestPage = await self.client.call(
            SERVICE, "purgeRequests", worker_pool_id, query=query, read=PURGE_REQUESTS
        )
        return response["requests"]

    async def page(self, limit: int | None = None, continuation_token: str | None = None) -> PurgeRequestPage:
        """Return one page of the purge requests of all pools. Scope ``purge-cache:all-purge-requests``."""
        query: dict[str, str | int] = {}
        if limit is not None:
            query["limit"] = limit
        if continuation_token is not None:
            query["continuationToken"] = continuation_token
        response: PurgeRequestPage = await self.client.call(
            SERVICE, "allPurgeRequests", query=query, read=PURGE_REQUESTS
        )
        return response

    async def all_requests(self) -> AsyncIterator[PurgeRequest]:
        """Yield the purge requests of all pools, from all pages."""

        async def ask(query: dict[str, str]) -> Json:
            response: Json = await self.client.call(SERVICE, "allPurgeRequests", query=query, read=PURGE_REQUESTS)
            return response

        async for page in pages("The list of purge requests", ask):
            for request in page["requests"]:
                yield request

"""The hook's calls to the purge-cache service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_taskcluster import names
from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.hooks.base import TaskclusterBaseHook
from airflow_provider_taskcluster.moments import moment
from airflow_provider_taskcluster.services.purge_cache import PurgeCache

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_taskcluster.services.answers import PurgeRequest, PurgeRequestPage


class PurgeCacheHook(TaskclusterBaseHook):
    """Caches of workers."""

    def purge_cache(
        self,
        worker_pool_id: str | None = None,
        cache_name: str = "",
        *,
        provisioner_id: str | None = None,
        worker_type: str | None = None,
    ) -> None:
        """Ask the workers of a pool to drop a cache before their next task.

        Scope ``purge-cache:<workerPoolId>:<cacheName>``.

        :param worker_pool_id: ``<provisionerId>/<workerType>``; or name the two apart.
        :param cache_name: Name of the cache.
        """
        pool = names.worker_pool_id(worker_pool_id, provisioner_id=provisioner_id, worker_type=worker_type)
        if not isinstance(cache_name, str) or not cache_name:
            raise InvalidInput("purge_cache needs the name of a cache: pass cache_name")
        self._run(PurgeCache(self.client).purge(pool, cache_name))

    def purge_requests(self, worker_pool_id: str, since: datetime | None = None) -> list[PurgeRequest]:
        """Open requests of one pool. The service caches its answer for 10 s.

        Scope ``purge-cache:purge-requests::<workerPoolId>``.

        :param since: Only those made since then.
        """
        pool = names.worker_pool_id(worker_pool_id)
        since = None if since is None else moment(since, "since")
        found: list[PurgeRequest] = self._run(PurgeCache(self.client).requests(pool, since))
        return found

    def all_purge_requests(
        self, *, limit: int | None = None, continuation_token: str | None = None
    ) -> PurgeRequestPage:
        """Open requests of all pools: from all pages, or one page when ``limit`` or a token is given.

        Scope ``purge-cache:all-purge-requests``.

        :param limit: How many at most.
        :param continuation_token: Where the page before ended.
        :return: ``requests``, and ``continuationToken`` where one page has another behind it.
        """
        service = PurgeCache(self.client)
        if limit is not None or continuation_token is not None:
            page: PurgeRequestPage = self._run(service.page(limit, continuation_token))
            return page

        async def collect() -> PurgeRequestPage:
            return {"requests": [request async for request in service.all_requests()]}

        everything: PurgeRequestPage = self._run(collect())
        return everything

"""The purge-cache service: requests that workers purge a cache, each valid for a day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.emulator.clock import DAY, SECOND, from_json, to_json

from .paging import page

if TYPE_CHECKING:
    from airflow_provider_taskcluster.emulator.auth.caller import Caller
    from airflow_provider_taskcluster.emulator.context import Context
    from airflow_provider_taskcluster.emulator.database import Row
    from airflow_provider_taskcluster.emulator.schemas.purge_cache import PurgeCache


class PurgeCacheService:
    """Purge requests of worker pools; purgeRequests reads them through a cache, as the real service does."""

    def __init__(self, context: Context) -> None:
        self._database = context.database
        self._clock = context.clock
        self._cache_seconds = context.settings.purge_cache_seconds
        self._cached: dict[str, tuple[int, list[Row]]] = {}

    def purge_cache(self, caller: Caller, worker_pool_id: str, request: PurgeCache) -> None:
        """Request a purge; repeating the call sets ``before`` to now."""
        caller.require(f"purge-cache:{worker_pool_id}:{request.cacheName}")
        now = self._clock.now()
        self._database.execute(
            "INSERT OR REPLACE INTO purge_requests VALUES (?, ?, ?, ?)",
            worker_pool_id,
            request.cacheName,
            now,
            now + DAY,
        )

    def purge_requests(self, _: Caller, worker_pool_id: str, since: str | None = None) -> dict[str, Any]:
        """Return the open requests of one pool, up to some seconds old."""
        earliest = from_json(since) if since else 0
        rows = [row for row in self._recent(worker_pool_id) if row["before"] >= earliest]
        return {"requests": [_entry(row) for row in rows]}

    def all_purge_requests(
        self, _: Caller, continuation_token: str | None = None, limit: int | None = None
    ) -> dict[str, Any]:
        """List all open requests, in pages. The last page's token is the empty string."""
        rows, token = page(self._after, _key, start=["", ""], token=continuation_token, limit=limit)
        return {"requests": [_entry(row) for row in rows], "continuationToken": token or ""}

    def _recent(self, worker_pool_id: str) -> list[Row]:
        now = self._clock.now()
        cached_at, rows = self._cached.get(worker_pool_id, (0, []))
        if now - cached_at > self._cache_seconds * SECOND or self._cache_seconds == 0:
            rows = self._database.all(
                "SELECT * FROM purge_requests WHERE worker_pool_id = ? AND expires > ? ORDER BY cache_name",
                worker_pool_id,
                now,
            )
            self._cached[worker_pool_id] = (now, rows)
        return rows

    def _after(self, after: list[str], count: int) -> list[Row]:
        return self._database.all(
            "SELECT * FROM purge_requests WHERE (worker_pool_id, cache_name) > (?, ?) AND expires > ? "
            "ORDER BY worker_pool_id, cache_name LIMIT ?",
            *after,
            self._clock.now(),
            count,
        )


def _key(row: Row) -> list[str]:
    return [row["worker_pool_id"], row["cache_name"]]


def _entry(row: Row) -> dict[str, str]:
    provisioner_id, worker_type = row["worker_pool_id"].split("/")
    return {
        "provisionerId": provisioner_id,
        "workerType": worker_type,
        "cacheName": row["cache_name"],
        "before": to_json(row["before"]),
    }

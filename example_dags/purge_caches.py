"""Ask the workers of a pool to drop caches, and show the open requests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.providers.common.compat.sdk import Param, dag, task

from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
from airflow_provider_taskcluster.operators.purge_cache import TaskclusterPurgeCacheOperator


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    params={"worker_pool_id": Param("demo-provisioner/linux", type="string")},
    tags=["taskcluster", "example"],
)
def purge_caches() -> None:
    """Purge, then look."""
    # [START purge_cache]
    purge = TaskclusterPurgeCacheOperator(
        task_id="purge",
        worker_pool_id="{{ params.worker_pool_id }}",
        cache_names=["checkouts", "tooltool-cache"],
    )
    # [END purge_cache]

    # [START purge_requests]
    @task
    def open_requests(worker_pool_id: str) -> list[dict[str, Any]]:
        """Return what the workers of the pool will find."""
        return [dict(request) for request in TaskclusterHook().purge_requests(worker_pool_id)]
        # [END purge_requests]

    purge >> open_requests("{{ params.worker_pool_id }}")


purge_caches()

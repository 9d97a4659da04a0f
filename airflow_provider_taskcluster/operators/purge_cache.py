"""Operator that asks workers to drop caches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from airflow_provider_taskcluster.common import names
from airflow_provider_taskcluster.common.arguments import is_omitted, name_list, optional_text
from airflow_provider_taskcluster.common.messages import visible
from airflow_provider_taskcluster.common.task_failure import permanent_errors_fail
from airflow_provider_taskcluster.links.taskcluster import TaskclusterPurgeCachesLink
from airflow_provider_taskcluster.operators.base import TaskclusterBaseOperator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.providers.common.compat.sdk import Context


class Purged(TypedDict):
    """The pool and the caches of a purge request."""

    worker_pool_id: str
    cache_names: list[str]


class TaskclusterPurgeCacheOperator(TaskclusterBaseOperator):
    """Ask the workers of a pool to drop one or many caches before their next task.

    It is idempotent. Scope ``purge-cache:<workerPoolId>:<cacheName>`` for each cache.

    :param cache_names: Name of the cache, or a list of names (templated). A template may write the list as text:
        JSON or a Python literal.
    :param worker_pool_id: ``<provisionerId>/<workerType>`` (templated). Pass this, or the two separately.
    :param provisioner_id: Provisioner of the pool (templated).
    :param worker_type: Worker type of the pool (templated).
    :return: worker_pool_id and cache_names.
    """

    template_fields: Sequence[str] = (
        "cache_names",
        "worker_pool_id",
        "provisioner_id",
        "worker_type",
        "taskcluster_conn_id",
    )
    ui_color = "#f7efdc"
    operator_extra_links = (TaskclusterPurgeCachesLink(),)
    depends = ("worker_pool_id", "provisioner_id", "worker_type")

    def __init__(
        self,
        *,
        cache_names: str | Sequence[str],
        worker_pool_id: str | None = None,
        provisioner_id: str | None = None,
        worker_type: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.cache_names = cache_names
        self.worker_pool_id = worker_pool_id
        self.provisioner_id = provisioner_id
        self.worker_type = worker_type
        self.check_arguments()

    @classmethod
    def check_together(cls, task_id: str, **given: Any) -> None:  # noqa: ARG003 (of the base class)
        """See the base class."""
        names.check_pool_given(*(None if is_omitted(value) else value for value in given.values()))

    def execute(self, context: Context) -> Purged:  # noqa: ARG002 (Airflow's signature)
        """Request the purge of each cache, and return the request."""
        with permanent_errors_fail(f"Purge of {self.cache_names!r}", self.taskcluster_conn_id):
            self.check_rendered()
            pool = names.worker_pool_id(
                optional_text(self.worker_pool_id, "worker_pool_id"),
                provisioner_id=optional_text(self.provisioner_id, "provisioner_id"),
                worker_type=optional_text(self.worker_type, "worker_type"),
            )
            cache_names = name_list(self.cache_names, "cache_names")
            for cache_name in cache_names:
                self.hook.purge_cache(pool, cache_name)
        self.log.info("Asked the workers of %s to drop: %s", visible(pool), visible(", ".join(cache_names)))
        return {"worker_pool_id": pool, "cache_names": cache_names}

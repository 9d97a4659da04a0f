"""The sensor that waits for entries of the index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from airflow_provider_taskcluster.common import names
from airflow_provider_taskcluster.common.arguments import optional_point_in_time, text
from airflow_provider_taskcluster.common.messages import one_line
from airflow_provider_taskcluster.links.taskcluster import TaskclusterIndexLink
from airflow_provider_taskcluster.sensors.base import TaskclusterBaseSensor
from airflow_provider_taskcluster.waits.conditions.index import IndexWait

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from airflow_provider_taskcluster.waits.protocol import Json
    from airflow_provider_taskcluster.waits.results import IndexEntry


class TaskclusterIndexSensor(TaskclusterBaseSensor):
    """Wait until a task is at a path of the index. Scope ``index:find-task:<indexPath>``.

    :param index_path: The path, such as ``my-team.builds.latest``, without ``index.`` (templated).
    :param newer_than: A datetime, or its ISO text, with a time zone (templated): wait for a task that was resolved
        later (one that is not resolved: started or scheduled). Takes the scope ``queue:status:<taskId>``.
    :param taskcluster_conn_id: Id of the connection (templated).
    :param connect_timeout: Seconds to wait for a connection; None takes the connection's.
    :param read_timeout: Seconds of silence that end a request; None takes the connection's.
    :param max_retries: Most repeats of a worker's request that failed for the moment; None takes the connection's.
    :param deferrable: Wait in the triggerer. By default as ``[operators] default_deferrable`` says.
    :return: index_path, task_id, rank, expires and data of the entry; with ``newer_than`` also time and state.
    """

    template_fields: Sequence[str] = ("index_path", "newer_than", "taskcluster_conn_id")
    ui_color = "#ece3f7"
    operator_extra_links = (TaskclusterIndexLink(),)
    checks: ClassVar = {"newer_than": optional_point_in_time}

    def __init__(self, *, index_path: str, newer_than: datetime | str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.index_path = index_path
        self.newer_than = newer_than
        self.check_arguments()

    def wait(self) -> IndexWait:
        """Return what is waited for, from the arguments."""
        newer = optional_point_in_time(self.newer_than, "newer_than")
        return IndexWait(
            index_path=names.index_path(text(self.index_path, "index_path")),
            newer_than=None if newer is None else newer.isoformat(),
        )

    def summary(self, found: Json) -> str:
        """Name the task, and when and how it ended if that was asked for."""
        stands = f", {one_line(found['state'])} at {one_line(found['time'])}" if "time" in found else ""
        return f"task {one_line(found['task_id'])} at {one_line(found['index_path'])} in the index{stands}"

    def result(self, found: Json) -> IndexEntry:
        """Return the entry."""
        return cast("IndexEntry", found)

"""Sensor that waits for entries of the index."""

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
    """Wait until the index has a task at a path. Scope ``index:find-task:<indexPath>``.

    :param index_path: The path, such as ``my-team.builds.latest``, without ``index.`` (templated).
    :param newer_than: A datetime, or its ISO text, with a time zone (templated): wait for a task that was resolved
        later (or, if it is not resolved, started or scheduled later). Needs the scope ``queue:status:<taskId>``.
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
        """Return the wait that the arguments describe."""
        newer = optional_point_in_time(self.newer_than, "newer_than")
        return IndexWait(
            index_path=names.index_path(text(self.index_path, "index_path")),
            newer_than=None if newer is None else newer.isoformat(),
        )

    def summary(self, result: Json) -> str:
        """Return the task, and with ``newer_than`` its state and time."""
        state = f", {one_line(result['state'])} at {one_line(result['time'])}" if "time" in result else ""
        return f"task {one_line(result['task_id'])} at {one_line(result['index_path'])} in the index{state}"

    def xcom_value(self, result: Json) -> IndexEntry:
        """Return the entry."""
        return cast("IndexEntry", result)

"""The sensor that waits for objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.arguments import text
from airflow_provider_taskcluster.links.taskcluster import TaskclusterObjectLink
from airflow_provider_taskcluster.sensors.base import TaskclusterBaseSensor

if TYPE_CHECKING:
    from collections.abc import Sequence


class TaskclusterObjectSensor(TaskclusterBaseSensor):
    """Wait until the upload of an object is finished. Scope ``object:download:<name>``.

    :param name: Name of the object (templated).
    :param taskcluster_conn_id: Id of the connection (templated).
    :param connect_timeout: Seconds to wait for a connection; None takes the connection's.
    :param read_timeout: Seconds of silence that end a request; None takes the connection's.
    :param max_retries: Repeats of a request that failed for the moment; None takes the connection's.
    :return: name, project_id, expires and hashes of the object.
    """

    template_fields: Sequence[str] = ("name", "taskcluster_conn_id")
    ui_color = "#ece3f7"
    operator_extra_links = (TaskclusterObjectLink(),)

    def __init__(self, *, name: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.name = name

    def look(self) -> dict[str, Any]:
        """Return the object's metadata; the service has none until the upload is finished."""
        name = text(self.name, "name")
        found = self.hook.object_metadata(name)
        return {
            "name": name,
            "project_id": found["projectId"],
            "expires": found["expires"],
            "hashes": found["hashes"],
        }

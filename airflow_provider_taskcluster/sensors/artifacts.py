"""The sensor that waits for task artifacts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.arguments import run_number, text
from airflow_provider_taskcluster.exceptions import ArtifactError
from airflow_provider_taskcluster.links.taskcluster import TaskclusterArtifactLink, TaskclusterTaskLink
from airflow_provider_taskcluster.sensors.base import TaskclusterBaseSensor

if TYPE_CHECKING:
    from collections.abc import Sequence


class TaskclusterArtifactSensor(TaskclusterBaseSensor):
    """Wait until a Taskcluster task has an artifact. Scope ``queue:list-artifacts:<taskId>[:<runId>]``.

    :param taskcluster_task_id: Id of the Taskcluster task (templated); ``task_id`` is Airflow's.
    :param name: Name of the artifact (templated).
    :param run_id: Number of the run (templated); None is the latest.
    :param taskcluster_conn_id: Id of the connection (templated).
    :param connect_timeout: Seconds to wait for a connection; None takes the connection's.
    :param read_timeout: Seconds of silence that end a request; None takes the connection's.
    :param max_retries: Repeats of a request that failed for the moment; None takes the connection's.
    :return: name, storage_type, content_type, content_length (None if not known) and expires of the artifact.
    """

    template_fields: Sequence[str] = ("taskcluster_task_id", "name", "run_id", "taskcluster_conn_id")
    ui_color = "#ece3f7"
    operator_extra_links = (TaskclusterArtifactLink(), TaskclusterTaskLink())

    def __init__(self, *, taskcluster_task_id: str, name: str, run_id: int | str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.taskcluster_task_id = taskcluster_task_id
        self.name = name
        self.run_id = run_id

    def look(self) -> dict[str, Any]:
        """Return what the queue says of the artifact.

        :raises ArtifactError: The task published an error in its place.
        """
        task_id, name = text(self.taskcluster_task_id, "taskcluster_task_id"), text(self.name, "name")
        found = self.hook.artifact_info(task_id, name, run_number(self.run_id))
        if found["storageType"] == "error":
            raise ArtifactError(
                f"Artifact {self.name!r} of task {self.taskcluster_task_id} will not come: the task published an "
                f"error in its place. Its log says more"
            )
        return {
            "name": found["name"],
            "storage_type": found["storageType"],
            "content_type": found["contentType"],
            "content_length": found.get("contentLength"),
            "expires": found["expires"],
        }

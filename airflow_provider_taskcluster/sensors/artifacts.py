"""Sensor that waits for task artifacts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_taskcluster.common import names
from airflow_provider_taskcluster.common.arguments import (
    choice,
    flag,
    function,
    is_omitted,
    is_single,
    length,
    name_list,
    optional_text,
    run_number,
    text,
)
from airflow_provider_taskcluster.common.checks import one_of
from airflow_provider_taskcluster.common.messages import one_line, visible
from airflow_provider_taskcluster.exceptions import InvalidInput, NotStoredYet
from airflow_provider_taskcluster.links.taskcluster import TaskclusterArtifactLink, TaskclusterTaskLink
from airflow_provider_taskcluster.sensors.base import REQUIRE, TaskclusterBaseSensor, count_and_names
from airflow_provider_taskcluster.waits.conditions.artifacts import ArtifactWait
from airflow_provider_taskcluster.waits.results import MAX_IN_XCOM

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_taskcluster.waits.protocol import Json
    from airflow_provider_taskcluster.waits.results import PresentArtifact, PresentArtifacts


class TaskclusterArtifactSensor(TaskclusterBaseSensor):
    """Wait until a Taskcluster task has artifacts.

    Fails at once if they can no longer appear: the run, or the latest run of the task, is resolved without them, or has
    error artifacts in their place; or the task does not exist. The sensor waits through the queue's automatic retries.
    Scopes ``queue:status:<taskId>``, ``queue:list-artifacts:<taskId>:<runId>``. With ``queue:get-task:<taskId>``, and
    ``queue:status:<taskId>`` of its dependencies, it also fails at once if the task is blocked: unscheduled behind one
    that did not complete.

    :param taskcluster_task_id: Id of the Taskcluster task (templated); ``task_id`` is Airflow's.
    :param name: Name of the artifact, or a list of names (templated).
    :param glob: Pattern, or a list of patterns (templated); at least one artifact must match each of them. ``*`` also
        matches ``/``. The first 100 matches of each are checked.
    :param run_id: Number of the run (templated); None is the latest.
    :param require: ``all`` names and patterns, or ``any`` one of them.
    :param content_type: Accept only artifacts of this content type (templated); any by default, or with "".
    :param min_length: Accept only artifacts of at least this many bytes (templated). If the queue does not know the
        length, as for objects, the sensor asks the store, with the scope ``queue:get-artifact:<name>``. Gzip-encoded
        artifacts of unknown length are always accepted.
    :param verify_content: Accept an s3 artifact only if the store has it: the queue lists it earlier. Needs the scope
        ``queue:get-artifact:<name>``.
    :param check_fn: Function that is called on the worker with each artifact found (a dict as in the result), and
        returns whether to accept it.
    :param wait_for_rerun: Wait on if the task is resolved without the artifacts, or with errors in their place: for a
        task that will be rerun.
    :return: name, storage_type, content_type, content_length (None if not known), expires, task_id and run_id of the
        artifact; for lists and patterns ``count`` and ``artifacts``, the first 100 of them.
    """

    template_fields: Sequence[str] = (
        "taskcluster_task_id",
        "name",
        "glob",
        "run_id",
        "content_type",
        "min_length",
        "taskcluster_conn_id",
    )
    ui_color = "#ece3f7"
    operator_extra_links = (TaskclusterArtifactLink(), TaskclusterTaskLink())
    checks: ClassVar = {
        "run_id": run_number,
        "require": one_of(REQUIRE),
        "min_length": length,
        "verify_content": flag,
        "check_fn": function,
        "wait_for_rerun": flag,
    }
    depends = ("name", "glob")

    def __init__(
        self,
        *,
        taskcluster_task_id: str,
        name: str | Sequence[str] | None = None,
        glob: str | Sequence[str] | None = None,
        run_id: int | str | None = None,
        require: str = "all",
        content_type: str | None = None,
        min_length: int | str | None = None,
        verify_content: bool = False,
        check_fn: Callable[[Json], Any] | None = None,
        wait_for_rerun: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.taskcluster_task_id = taskcluster_task_id
        self.name = name
        self.glob = glob
        self.run_id = run_id
        self.require = require
        self.content_type = content_type
        self.min_length = min_length
        self.verify_content = verify_content
        self.check_fn = check_fn
        self.wait_for_rerun = wait_for_rerun
        self.check_arguments()

    @classmethod
    def check_together(cls, task_id: str, **given: Any) -> None:  # noqa: ARG003 (of the base class)
        """See the base class."""
        if all(map(is_omitted, given.values())):
            raise InvalidInput("Nothing to wait for: pass the name of an artifact, or a glob")

    def wait(self) -> ArtifactWait:
        """Return the wait that the arguments describe."""
        wanted = [] if is_omitted(self.name) else name_list(self.name, "name")
        return ArtifactWait(
            task_id=names.task_id(text(self.taskcluster_task_id, "taskcluster_task_id")),
            names=[names.artifact_name(name) for name in wanted],
            globs=[] if is_omitted(self.glob) else name_list(self.glob, "glob"),
            run_id=run_number(self.run_id),
            require=choice(self.require, "require", REQUIRE),
            content_type=optional_text(self.content_type, "content_type"),
            min_length=length(self.min_length, "min_length"),
            wait_for_rerun=self.wait_for_rerun,
        )

    def confirm(self, result: Json) -> Json | None:
        """Check the stored lengths, and call ``check_fn``."""
        wait = self.wait()
        stored = [info for listed in result["artifacts"] if (info := self._stored(listed, wait.min_length))]
        artifacts = [info for info in stored if self._passes(info)]
        return {"artifacts": artifacts} if wait.is_met_by([info["name"] for info in artifacts]) else None

    def xcom_value(self, result: Json) -> PresentArtifact | PresentArtifacts:
        """Return the artifact for a single name, else the list."""
        artifacts: list[PresentArtifact] = result["artifacts"]
        if is_omitted(self.glob) and is_single(self.name, self.wait().names):
            return artifacts[0]
        return {"count": len(artifacts), "artifacts": artifacts[:MAX_IN_XCOM]}

    def summary(self, result: Json) -> str:
        """Return names, content types and lengths of the artifacts, with their task and run."""
        artifacts: list[PresentArtifact] = result["artifacts"]
        where = f" of task {one_line(artifacts[0]['task_id'])}, run {artifacts[0]['run_id']!r}"
        return count_and_names("artifact", [_described(info) for info in artifacts]) + where

    def _stored(self, info: Json, min_length: int | None) -> Json | None:
        """Return the artifact, with its length from the store if the queue has none; None to reject it.

        The queue does not know the lengths of objects.
        """
        needs_length = min_length is not None and info["content_length"] is None
        stored = info["storage_type"] in {"s3", "object"}
        if not (stored and needs_length) and not (info["storage_type"] == "s3" and self.verify_content):
            return info
        try:
            length = self.hook.stored_artifact_length(info["task_id"], info["name"], info["run_id"])
        except NotStoredYet as error:
            self.log.info("Not there yet: %s", visible(error))
            return None
        if not needs_length or length is None:
            return info
        if length < (min_length or 0):
            self.log.info(
                "Not there yet: artifact %r has %d bytes, and min_length is %d", info["name"], length, min_length
            )
            return None
        return {**info, "content_length": length}

    def _passes(self, info: Json) -> bool:
        passes = self.check_fn is None or bool(self.check_fn(info))
        if not passes:
            self.log.info("check_fn does not take artifact %r", info["name"])
        return passes


def _described(info: PresentArtifact) -> str:
    size = "" if info["content_length"] is None else f", {info['content_length']!r} bytes"
    return f"{info['name']!r} ({one_line(info['content_type'], 100)}{size})"

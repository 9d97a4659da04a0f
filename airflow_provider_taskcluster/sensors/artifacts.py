"""The sensor that waits for task artifacts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_taskcluster.common import names
from airflow_provider_taskcluster.common.arguments import (
    choice,
    flag,
    function,
    is_omitted,
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
from airflow_provider_taskcluster.sensors.base import LISTED, REQUIRE, TaskclusterBaseSensor, counted, is_one
from airflow_provider_taskcluster.waits.conditions.artifacts import ArtifactWait

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_taskcluster.waits.protocol import Json
    from airflow_provider_taskcluster.waits.results import PresentArtifact, PresentArtifacts


class TaskclusterArtifactSensor(TaskclusterBaseSensor):
    """Wait until a Taskcluster task has artifacts.

    Fails at once when they can no longer come: the run, or the task in its latest run, is resolved without them, or
    published an error in their place; there is no such task. Automatic retries of the queue are waited through.
    Scopes ``queue:status:<taskId>``, ``queue:list-artifacts:<taskId>:<runId>``.

    :param taskcluster_task_id: Id of the Taskcluster task (templated); ``task_id`` is Airflow's.
    :param name: Name of the artifact, or a list of names (templated).
    :param glob: Pattern, or a list of patterns, each of which one artifact at least must match; ``*`` matches ``/``
        too (templated). The first 100 matches of each are looked at.
    :param run_id: Number of the run (templated); None is the latest.
    :param require: ``all`` names and patterns, or ``any`` one of them.
    :param content_type: Artifacts of other content types do not count (templated). "" means any.
    :param min_length: Shorter artifacts do not count, in bytes (templated). Where the queue does not know a length, as
        of objects, the store is asked, with the scope ``queue:get-artifact:<name>``. Artifacts of unknown length that
        are stored gzip-encoded always count.
    :param verify_content: Ask the store for one byte of s3 artifacts, which the queue has before the store does. Takes
        the scope ``queue:get-artifact:<name>``.
    :param check_fn: Called on the worker with each artifact that is there (a dict as in the result); those for which it
        returns something false do not count.
    :param wait_for_rerun: Wait on when the task is resolved without the artifacts, or with errors in their place:
        somebody will rerun it.
    :param taskcluster_conn_id: Id of the connection (templated).
    :param connect_timeout: Seconds to wait for a connection; None takes the connection's.
    :param read_timeout: Seconds of silence that end a request; None takes the connection's.
    :param max_retries: Most repeats of a worker's request that failed for the moment; None takes the connection's.
    :param deferrable: Wait in the triggerer. By default as ``[operators] default_deferrable`` says.
    :return: name, storage_type, content_type, content_length (None if not known), expires, task_id and run_id of the
        artifact; for lists and patterns ``count``, and the first 100 as ``artifacts``.
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
        """Return what is waited for, from the arguments."""
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

    def confirmed(self, found: Json) -> Json | None:
        """Look at bytes, and let ``check_fn`` look."""
        wait = self.wait()
        stored = [info for listed in found["artifacts"] if (info := self._stored(listed, wait.min_length))]
        artifacts = [info for info in stored if self._passes(info)]
        return {"artifacts": artifacts} if wait.is_met_by([info["name"] for info in artifacts]) else None

    def result(self, found: Json) -> PresentArtifact | PresentArtifacts:
        """Return the artifact that was named, or all of them."""
        artifacts: list[PresentArtifact] = found["artifacts"]
        if is_omitted(self.glob) and is_one(self.name, self.wait().names):
            return artifacts[0]
        return {"count": len(artifacts), "artifacts": artifacts[:LISTED]}

    def summary(self, found: Json) -> str:
        """Name the artifacts, where they are and what they are."""
        infos: list[PresentArtifact] = found["artifacts"]
        where = f" of task {one_line(infos[0]['task_id'])}, run {infos[0]['run_id']!r}"
        return counted("artifact", [_in_words(info) for info in infos]) + where

    def _stored(self, info: Json, least: int | None) -> Json | None:
        """Return what is known of an artifact, its length by the store where the queue has none; None if it is short.

        The queue has no length of objects.
        """
        measure = least is not None and info["content_length"] is None
        stored = info["storage_type"] in {"s3", "object"}
        if not (stored and measure) and not (info["storage_type"] == "s3" and self.verify_content):
            return info
        try:
            length = self.hook.stored_artifact_length(info["task_id"], info["name"], info["run_id"])
        except NotStoredYet as error:
            self.log.info("Not there yet: %s", visible(error))
            return None
        if not measure or length is None:
            return info
        if length < (least or 0):
            self.log.info("Not there yet: artifact %r has %d bytes, and min_length is %d", info["name"], length, least)
            return None
        return {**info, "content_length": length}

    def _passes(self, info: Json) -> bool:
        passes = self.check_fn is None or bool(self.check_fn(info))
        if not passes:
            self.log.info("check_fn does not take artifact %r", info["name"])
        return passes


def _in_words(info: PresentArtifact) -> str:
    size = "" if info["content_length"] is None else f", {info['content_length']!r} bytes"
    return f"{info['name']!r} ({one_line(info['content_type'], 100)}{size})"

"""The wait for artifacts of a task. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common.messages import one_line
from airflow_provider_taskcluster.exceptions import ArtifactError, TaskclusterError, WillNotCome
from airflow_provider_taskcluster.waits.conditions.near_misses import instead
from airflow_provider_taskcluster.waits.conditions.status import ending, is_over, no_such_task, run_of
from airflow_provider_taskcluster.waits.protocol import Found, NotYet, Over
from airflow_provider_taskcluster.waits.questions import ArtifactsOf, InfoOf, ReasonOf, StatusOf

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_taskcluster.services.schemas import ArtifactInfo, TaskRun, TaskStatus
    from airflow_provider_taskcluster.waits.protocol import Asking, Talking
    from airflow_provider_taskcluster.waits.results import PresentArtifact

# So many matches of a glob are looked at.
MOST_MATCHES = 100
# Storage types: announced before they are present; published in the place of an artifact.
OBJECT, ERROR = "object", "error"
# Runs that ended as they should have no new artifacts; after an exception some may come for a while.
SETTLED = {"completed", "failed"}


@dataclass(frozen=True, kw_only=True)
class ArtifactWait:
    """Artifacts of a task are present. Found: ``artifacts``, a list of :class:`PresentArtifact`.

    :param task_id: The task.
    :param names: Artifacts that must be present.
    :param globs: Patterns that one artifact at least must match; ``*`` matches ``/`` too.
    :param run_id: Number of the run; None is the latest.
    :param require: ``all`` of names and globs, or ``any`` one.
    :param content_type: What artifacts must have to count; without parameters it is compared without them.
    :param min_length: Bytes that they must have. One whose length the queue does not know counts; look at its bytes.
    :param wait_for_rerun: Wait on when the task is resolved without them: somebody will rerun it.
    """

    task_id: str
    names: list[str] = field(default_factory=list)
    globs: list[str] = field(default_factory=list)
    run_id: int | None = None
    require: str = "all"
    content_type: str | None = None
    min_length: int | None = None
    wait_for_rerun: bool = False

    service = "queue"

    def talk(self, root_url: str, memory: int | None) -> Talking:
        """Look once. Scopes ``queue:status:<taskId>``, ``queue:list-artifacts:<taskId>:<runId>``.

        The status is asked before the list: what a resolved run does not list will not come.

        :param memory: A run that was resolved without them, so that it is not listed again.
        """
        asked = StatusOf(self.task_id)
        status: TaskStatus | None = (yield [asked])[asked]
        if status is None:
            return Over(no_such_task(self.task_id))
        run = run_of(status, self.run_id)
        if run is not None and run["runId"] == memory:
            return NotYet(f"Task {self.task_id} has not been rerun yet", memory)
        listed: list[ArtifactInfo] = []
        if run is not None and run["state"] != "pending":
            artifacts = ArtifactsOf(self.task_id, run["runId"])
            listed = (yield [artifacts])[artifacts] or []
        infos = yield from self._present(run, listed)
        present = {info["name"] for info in infos}
        if self.is_met_by(present):
            return Found({"artifacts": sorted(infos, key=lambda info: str(info["name"]))})
        missing = [name for name in self.names if name not in present]
        missing += [glob for glob in self.globs if not _any(present, glob)]
        errors = [info["name"] for info in listed if info["storageType"] == ERROR]
        over = is_over(status, self.run_id, wait_for_rerun=self.wait_for_rerun)
        lost = missing if over else [name for name in missing if name in errors and not self._hopes()]
        if self._needed([target not in lost for target in [*self.names, *self.globs]]):
            stands = f"run {run['runId']} is {run['state']}" if run else f"the task is {status['state']}"
            settled = run["runId"] if run and run["state"] in SETTLED else None
            why = f"Task {self.task_id} has no {_quoted(missing)}{self._conditions()} yet: {stands}"
            return NotYet(why, settled, instead=partial(_instead, missing, listed) if listed else None)
        there = _instead(lost, listed)
        ended = ending(status, self.run_id, root_url) + (f"; {there}" if there else "")
        return Over((yield from self._loss(lost, errors, run, ended)))

    def is_met_by(self, names: Iterable[str]) -> bool:
        """Tell whether these are all that is waited for."""
        names = set(names)
        return self._needed([target in names for target in self.names] + [_any(names, glob) for glob in self.globs])

    def _needed(self, targets: list[bool]) -> bool:
        return all(targets) if self.require == "all" else any(targets)

    def _present(self, run: TaskRun | None, listed: list[ArtifactInfo]) -> Asking[list[PresentArtifact]]:
        """Return those of the list that are present and fit: objects are listed before their upload is finished."""
        if run is None:
            return []
        chosen = self._chosen([info for info in listed if info["storageType"] != ERROR and self._fits(info)])
        objects = [InfoOf(self.task_id, run["runId"], info["name"]) for info in chosen if info["storageType"] == OBJECT]
        answers = (yield objects) if objects else {}
        present = [info for question in objects if (info := answers[question]) is not None and self._fits(info)]
        present += [info for info in chosen if info["storageType"] != OBJECT]
        return [described(info, self.task_id, run["runId"]) for info in present]

    def _chosen(self, infos: list[ArtifactInfo]) -> list[ArtifactInfo]:
        """Return those that are named, and the first ones that match."""
        chosen = {info["name"]: info for info in infos if info["name"] in self.names}
        for glob in self.globs:
            matches = (info for info in infos if fnmatchcase(info["name"], glob))
            chosen |= {info["name"]: info for info in islice(matches, MOST_MATCHES)}
        return list(chosen.values())

    def _fits(self, info: ArtifactInfo) -> bool:
        found, length = info["contentType"], info.get("contentLength")
        if self.content_type is not None and self.content_type not in {found, found.partition(";")[0].strip()}:
            return False
        return self.min_length is None or length is None or length >= self.min_length

    def _conditions(self) -> str:
        return " with the content type or length asked for" if self.content_type or self.min_length else ""

    def _hopes(self) -> bool:
        """Tell whether another run may make up for an error."""
        return self.wait_for_rerun and self.run_id is None

    def _loss(self, lost: list[str], errors: list[str], run: TaskRun | None, ended: str) -> Asking[TaskclusterError]:
        """Say why it will not come; an error that the task published in its place says most."""
        failed = [name for name in errors if name in lost or any(fnmatchcase(name, glob) for glob in lost)]
        if run is None or not failed:
            return WillNotCome(f"Task {self.task_id} has no {_quoted(lost)}{self._conditions()}, and will not: {ended}")
        asked = ReasonOf(self.task_id, run["runId"], failed[0])
        told = (yield [asked])[asked] or {"reason": "", "message": f"to read why takes queue:get-artifact:{failed[0]}"}
        return ArtifactError(
            f"Artifact {failed[0]!r} of task {self.task_id} will not come: the task published an error in its place "
            f"({one_line(told['reason'])}: {one_line(told['message'])}); {ended}",
            reason=told["reason"],
        )


def described(info: ArtifactInfo, task_id: str, run_id: int) -> PresentArtifact:
    """Return what XCom and check functions get."""
    return {
        "name": info["name"],
        "storage_type": info["storageType"],
        "content_type": info["contentType"],
        "content_length": info.get("contentLength"),
        "expires": info["expires"],
        "task_id": task_id,
        "run_id": run_id,
    }


def _instead(missing: list[str], listed: list[ArtifactInfo]) -> str:
    """Say what the run has, unless what is missing is there with another content type or length."""
    present = [info["name"] for info in listed if info["storageType"] != ERROR]
    announced = {info["name"] for info in listed}
    unknown = [name for name in missing if name not in announced and not _any(announced, name)]
    return instead(unknown, present) if unknown else ""


def _any(names: Iterable[str], glob: str) -> bool:
    return any(fnmatchcase(name, glob) for name in names)


def _quoted(names: list[str]) -> str:
    shown = ", ".join(map(repr, names[:3]))
    return f"artifact {shown}" + (f" and {len(names) - 3} more" if len(names) > 3 else "")  # noqa: PLR2004 (as above)

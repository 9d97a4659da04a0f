"""The wait for artifacts of a task. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common.messages import one_line
from airflow_provider_taskcluster.exceptions import ArtifactError, TaskclusterError, WillNotCome
from airflow_provider_taskcluster.waits.conditions.blocked import blocked_by, blockers
from airflow_provider_taskcluster.waits.conditions.near_misses import suggestion
from airflow_provider_taskcluster.waits.conditions.status import is_over, no_such_task, resolution, run_of
from airflow_provider_taskcluster.waits.protocol import Found, NotYet, Over
from airflow_provider_taskcluster.waits.questions import ArtifactsOf, InfoOf, ReasonOf, StatusOf

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_taskcluster.services.schemas import ArtifactInfo, TaskRun, TaskStatus
    from airflow_provider_taskcluster.waits.conditions.blocked import Requirements
    from airflow_provider_taskcluster.waits.protocol import LookSteps, Steps
    from airflow_provider_taskcluster.waits.results import PresentArtifact

# Matches of one glob that are looked at, at most.
MOST_MATCHES = 100
# Storage types: announced before they are present; published in the place of an artifact.
OBJECT, ERROR = "object", "error"
# Runs in these states publish nothing more; after an exception, artifacts may still appear for a while.
SETTLED = {"completed", "failed"}


@dataclass(frozen=True, kw_only=True)
class ArtifactWait:
    """Artifacts of a task are present. Found: ``artifacts``, a list of :class:`PresentArtifact`.

    :param task_id: The task.
    :param names: Artifacts that must be present.
    :param globs: Patterns, each of which at least one artifact must match; ``*`` matches ``/`` too.
    :param run_id: Number of the run; None is the latest.
    :param require: ``all`` of names and globs, or ``any`` one.
    :param content_type: Content type that artifacts must have; written without parameters, theirs are ignored.
    :param min_length: Bytes that they must have. An artifact whose length the queue does not know counts.
    :param wait_for_rerun: Keep waiting when the task is resolved without them: it will be rerun.
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

    def talk(self, root_url: str, memory: int | Requirements | None) -> LookSteps:
        """Look once. Scopes ``queue:status:<taskId>``, ``queue:list-artifacts:<taskId>:<runId>``.

        The status is read before the list: if the run was resolved by then, the list is final. With
        ``queue:get-task:<taskId>``, and ``queue:status:<taskId>`` of its dependencies, a blocked task is noticed.

        :param memory: The run that was resolved without them, which is not listed again; or what an unscheduled task
            waits for.
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
        lost = missing if over else [name for name in missing if name in errors and not self._may_be_rerun()]
        if self._needed([target not in lost for target in [*self.names, *self.globs]]):
            state = f"run {run['runId']} is {run['state']}" if run else f"the task is {status['state']}"
            settled = run["runId"] if run and run["state"] in SETTLED else None
            why = f"Task {self.task_id} has no {_quoted(missing)}{self._conditions()} yet: {state}"
            if status["state"] == "unscheduled" and not self.wait_for_rerun:
                return (yield from self._unless_blocked(missing, why, root_url, memory))
            return NotYet(why, settled, instead=partial(_suggestion, missing, listed) if listed else None)
        hint = _suggestion(lost, listed)
        ended = resolution(status, self.run_id, root_url) + (f"; {hint}" if hint else "")
        return Over((yield from self._loss(lost, errors, run, ended)))

    def _unless_blocked(
        self, missing: list[str], why: str, root_url: str, memory: int | Requirements | None
    ) -> LookSteps:
        """Return the verdict for an unscheduled task: it can still come, unless the task is blocked."""
        known = memory if isinstance(memory, dict) else None
        blocked, waiting = yield from blockers([self.task_id], known)
        if blocked:
            return Over(self._will_not_come(missing, blocked_by(blocked[self.task_id], root_url)))
        return NotYet(why, waiting)

    def is_met_by(self, names: Iterable[str]) -> bool:
        """Tell whether artifacts of these names end the wait."""
        names = set(names)
        return self._needed([target in names for target in self.names] + [_any(names, glob) for glob in self.globs])

    def _needed(self, targets: list[bool]) -> bool:
        return all(targets) if self.require == "all" else any(targets)

    def _present(self, run: TaskRun | None, listed: list[ArtifactInfo]) -> Steps[list[PresentArtifact]]:
        """Return the listed artifacts that are present and fit; objects are listed before their upload is finished."""
        if run is None:
            return []
        chosen = self._chosen([info for info in listed if info["storageType"] != ERROR and self._fits(info)])
        objects = [InfoOf(self.task_id, run["runId"], info["name"]) for info in chosen if info["storageType"] == OBJECT]
        answers = (yield objects) if objects else {}
        present = [info for question in objects if (info := answers[question]) is not None and self._fits(info)]
        present += [info for info in chosen if info["storageType"] != OBJECT]
        return [present_artifact(info, self.task_id, run["runId"]) for info in present]

    def _chosen(self, infos: list[ArtifactInfo]) -> list[ArtifactInfo]:
        """Return the artifacts that are named, and the first matches of each glob."""
        chosen = {info["name"]: info for info in infos if info["name"] in self.names}
        for glob in self.globs:
            matches = (info for info in infos if fnmatchcase(info["name"], glob))
            chosen |= {info["name"]: info for info in islice(matches, MOST_MATCHES)}
        return list(chosen.values())

    def _fits(self, info: ArtifactInfo) -> bool:
        actual, length = info["contentType"], info.get("contentLength")
        if self.content_type is not None and self.content_type not in {actual, actual.partition(";")[0].strip()}:
            return False
        return self.min_length is None or length is None or length >= self.min_length

    def _conditions(self) -> str:
        return " with the content type or length asked for" if self.content_type or self.min_length else ""

    def _may_be_rerun(self) -> bool:
        """Tell whether another run may still publish what failed in this one."""
        return self.wait_for_rerun and self.run_id is None

    def _loss(self, lost: list[str], errors: list[str], run: TaskRun | None, ended: str) -> Steps[TaskclusterError]:
        """Return the error that ends the wait; an error artifact in the place of one says most."""
        failed = [name for name in errors if name in lost or any(fnmatchcase(name, glob) for glob in lost)]
        if run is None or not failed:
            return self._will_not_come(lost, ended)
        asked = ReasonOf(self.task_id, run["runId"], failed[0])
        cause = (yield [asked])[asked] or {"reason": "", "message": f"to read why takes queue:get-artifact:{failed[0]}"}
        return ArtifactError(
            f"Artifact {failed[0]!r} of task {self.task_id} will not come: the task published an error in its place "
            f"({one_line(cause['reason'])}: {one_line(cause['message'])}); {ended}",
            reason=cause["reason"],
        )

    def _will_not_come(self, lost: list[str], cause: str) -> WillNotCome:
        return WillNotCome(f"Task {self.task_id} has no {_quoted(lost)}{self._conditions()}, and will not: {cause}")


def present_artifact(info: ArtifactInfo, task_id: str, run_id: int) -> PresentArtifact:
    """Return the artifact as XCom and check functions get it."""
    return {
        "name": info["name"],
        "storage_type": info["storageType"],
        "content_type": info["contentType"],
        "content_length": info.get("contentLength"),
        "expires": info["expires"],
        "task_id": task_id,
        "run_id": run_id,
    }


def _suggestion(missing: list[str], listed: list[ArtifactInfo]) -> str:
    """Say what the run has; "" if the missing ones are present with another content type or length."""
    present = [info["name"] for info in listed if info["storageType"] != ERROR]
    announced = {info["name"] for info in listed}
    unknown = [name for name in missing if name not in announced and not _any(announced, name)]
    return suggestion(unknown, present) if unknown else ""


def _any(names: Iterable[str], glob: str) -> bool:
    return any(fnmatchcase(name, glob) for name in names)


def _quoted(names: list[str]) -> str:
    shown = ", ".join(map(repr, names[:3]))
    return f"artifact {shown}" + (f" and {len(names) - 3} more" if len(names) > 3 else "")  # noqa: PLR2004 (as above)

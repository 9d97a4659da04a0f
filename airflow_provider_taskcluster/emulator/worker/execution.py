"""Execution of one claimed run: its log, its commands, its artifacts, and its resolution."""

from __future__ import annotations

import logging
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.emulator.schemas.payloads import LogNames, MalformedPayloadError, read_payload

from .claiming import ServiceError, attempt
from .commands import Commands
from .ends import COMPLETED, LOST, End
from .publishing import LogArtifacts, PayloadArtifacts
from .task_log import TaskLog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_taskcluster.emulator.schemas.payloads import CommandPayload

    from .claiming import Claim
    from .settings import WorkerSettings
    from .simulated import Run

log = logging.getLogger(__name__)

# Tries of the calls that resolve a run: if none succeeds, the run goes on until its claim ends.
TRIES = 6


class Execution:
    """One run, from its claim to its resolution.

    ``run`` is replaced when the run is reclaimed, since it has the credentials.
    """

    def __init__(self, claim: Claim, settings: WorkerSettings) -> None:
        self.claim = claim
        self.run: Run = claim.run
        self._settings = settings
        self._commands = Commands(claim)

    def abort(self, end: End) -> None:
        """Kill the command that runs, and start no other. Any thread may call it at any time."""
        self._commands.abort(end)

    def perform(self) -> None:
        """Run the commands, publish the log and the artifacts, and resolve the run.

        :raises ServiceError: The queue refused the resolution.
        """
        with tempfile.TemporaryDirectory(prefix="taskcluster-task-", ignore_cleanup_errors=True) as folder:
            task_log = TaskLog(Path(folder, "log"))
            try:
                end = self._perform(Path(folder, "task"), task_log)
            except ServiceError as error:
                log.warning("The log of task %s was not published: %s", self.run.task_id, error)
                end = End("exception", "resource-unavailable")
            except Exception:  # the one place where a bug becomes an internal error
                log.exception("Task %s failed", self.run.task_id)
                end = End("exception", "internal-error")
            finally:
                task_log.close()
        self._resolve(end)

    def _perform(self, folder: Path, task_log: TaskLog) -> End:
        task_log.info(f"Task ID: {self.run.task_id}, run {self.run.run_id}")
        try:
            payload = read_payload(self.claim.definition)
        except MalformedPayloadError as error:
            return self._refuse(task_log, str(error))
        artifacts = LogArtifacts(payload.logs, task_log, self._settings)
        try:
            if payload.features.liveLog:
                artifacts.start(self.claim, payload.maxRunTime)
            end = self._run_commands(payload, folder, task_log)
        finally:
            artifacts.stop()
        if payload.features.liveLog:
            artifacts.link(self.run)
        faults = self._publish_artifacts(PayloadArtifacts(payload, folder, task_log, self._settings))
        ends = [each for each in (end, *faults) if each != COMPLETED]
        for each in ends:
            task_log.error(each.message)
        if payload.features.backingLog:
            artifacts.upload(self.run)
        return next(iter(ends), COMPLETED)

    def _refuse(self, task_log: TaskLog, fault: str) -> End:
        """Publish a log that says what is wrong with the payload."""
        end = End("exception", "malformed-payload", f"The task's payload is malformed:\n{fault}")
        task_log.error(end.message)
        artifacts = LogArtifacts(LogNames(), task_log, self._settings)
        artifacts.link(self.run)
        artifacts.upload(self.run)
        return end

    def _run_commands(self, payload: CommandPayload, folder: Path, task_log: TaskLog) -> End:
        folder.mkdir()
        task_log.info("=== Task Starting ===")
        start = time.monotonic()
        end = self._commands.run(payload, folder, task_log)
        task_log.info("=== Task Finished ===")
        task_log.info(f"Task Duration: {time.monotonic() - start:.3f}s")
        return end

    def _publish_artifacts(self, artifacts: PayloadArtifacts) -> Iterator[End]:
        try:
            for fault in artifacts.publish(self.run):
                yield End("failed", message=fault)
        except ServiceError as error:
            reason = "malformed-payload" if error.is_refusal else "resource-unavailable"
            yield End("exception", reason, f"Cannot publish an artifact: {error}")

    def _resolve(self, end: End) -> None:
        if end is LOST:
            return
        if end.state == "exception":
            attempt(partial(self.run.exception, end.reason), tries=TRIES)
        else:
            attempt(self.run.complete if end == COMPLETED else self.run.fail, tries=TRIES)

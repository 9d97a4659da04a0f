"""The commands of a payload: run in order, aborted at any time, with lines about each in the log."""

from __future__ import annotations

import shlex
import threading
import time
from typing import TYPE_CHECKING

from .ends import COMPLETED, MAX_RUN_TIME, End
from .process import ProcessGroup

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from airflow_provider_taskcluster.emulator.schemas.payloads import CommandPayload

    from .claiming import Claim
    from .task_log import TaskLog

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Commands:
    """Runs the commands of a claimed task as processes of this user."""

    def __init__(self, claim: Claim) -> None:
        self._claim = claim
        self._lock = threading.Lock()
        self._aborted: End | None = None
        self._process: ProcessGroup | None = None

    def abort(self, end: End) -> None:
        """Kill the command that runs, and start no other; the first call decides how the run ends."""
        with self._lock:
            self._aborted = self._aborted or end
            if self._process is not None:
                self._process.kill()

    def run(self, payload: CommandPayload, folder: Path, task_log: TaskLog) -> End:
        """Run the commands in a folder, until one fails or ``maxRunTime`` is over, and return how the run ends."""
        environment = {**payload.env, **self._environment(folder)}
        if "PATH" not in environment:
            environment["PATH"] = PATH
        timer = threading.Timer(payload.maxRunTime, self.abort, [MAX_RUN_TIME])
        timer.daemon = True
        timer.start()
        try:
            for index, arguments in enumerate(payload.command):
                task_log.info(f"Executing command {index}: {shlex.join(arguments)}")
                end = self._run_one(arguments, folder, environment, task_log, retried=payload.onExitStatus.retry)
                if end != COMPLETED:
                    return end
            return COMPLETED
        finally:
            timer.cancel()
            timer.join()

    def _run_one(
        self,
        arguments: Sequence[str],
        folder: Path,
        environment: dict[str, str],
        task_log: TaskLog,
        *,
        retried: Sequence[int],
    ) -> End:
        start = time.monotonic()
        try:
            with self._lock:
                if self._aborted:
                    return self._aborted
                self._process = process = ProcessGroup(arguments, folder=folder, environment=environment)
            code = process.wait(task_log.write)
        except (OSError, ValueError) as error:  # ValueError: NUL in an argument
            return End("failed", message=f"Cannot start {shlex.quote(arguments[0])}: {error}")
        finally:
            with self._lock:
                self._process, aborted = None, self._aborted
        result = "ABORTED" if aborted else "FAILED" if code else "SUCCEEDED"
        task_log.info(f"  Exit Code: {code}\n  Wall Time: {time.monotonic() - start:.3f}s\n     Result: {result}")
        if aborted:
            return aborted
        return _end(code, retried)

    def _environment(self, folder: Path) -> dict[str, str]:
        """Return the variables that tell a command of its task; no credentials."""
        run = self._claim.run
        return {
            "TASK_ID": run.task_id,
            "RUN_ID": str(run.run_id),
            "TASK_GROUP_ID": self._claim.definition["taskGroupId"],
            "TASKCLUSTER_ROOT_URL": run.root_url,
            "HOME": str(folder),
        }


def _end(code: int, retried: Sequence[int]) -> End:
    if not code:
        return COMPLETED
    if code in retried:
        message = f"Task appears to have failed intermittently - exit code {code} is in payload.onExitStatus.retry"
        return End("exception", "intermittent-task", message)
    return End("failed", message=f"exit status {code}" if code > 0 else f"killed by signal {-code}")

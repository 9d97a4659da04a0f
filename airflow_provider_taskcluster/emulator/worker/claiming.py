"""Claims and reclaims of a command worker, as coroutines, so that a call that waits can be given up."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import aiohttp
import taskcluster.aio
from taskcluster.exceptions import TaskclusterFailure

from airflow_provider_taskcluster.emulator.clock import SECOND, from_json
from airflow_provider_taskcluster.emulator.command import reason

from .simulated import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# After the first failed try of a call; each further pause is longer by this.
PAUSE_SECONDS = 0.2
# What the upstream client raises; its coroutines let those of HTTP through.
FAILURES = (TaskclusterFailure, aiohttp.ClientError, OSError)  # a TimeoutError is an OSError


class ServiceError(RuntimeError):
    """The queue refused a call, or did not answer.

    ``is_refusal`` is whether it refused the call, so that the same call would be refused again.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(reason(error))
        status: int | None = getattr(error, "status_code", None)
        self.is_refusal = status is not None and status < HTTPStatus.INTERNAL_SERVER_ERROR


class RunLostError(ServiceError):
    """The queue refused a reclaim: the run was cancelled, or its claim or its task's deadline has passed."""


@dataclass(frozen=True)
class Claim:
    """A claimed run, with the definition of its task.

    :param started: When the run was claimed, in milliseconds since 1970, by the clock of the service.
    :param seconds: How long the claim lasts.
    """

    run: Run
    definition: dict[str, Any] = field(repr=False)
    started: int
    seconds: float


class Claiming:
    """Claims runs of one queue."""

    def __init__(
        self, root_url: str, credentials: Mapping[str, str], task_queue_id: str, session: aiohttp.ClientSession
    ) -> None:
        self._root_url = root_url
        self._credentials = credentials
        self._task_queue_id = task_queue_id
        self._session = session

    async def claim(self, *, worker_group: str, worker_id: str, tasks: int) -> list[Claim]:
        """Claim up to a number of runs; the service waits until there is one, or else for a time.

        :raises ServiceError: The queue refused it, or did not answer.
        """
        request = {"workerGroup": worker_group, "workerId": worker_id, "tasks": tasks}
        try:
            response = await self._queue(self._credentials).claimWork(self._task_queue_id, request)
        except FAILURES as error:
            raise ServiceError(error) from error
        return [self._claim(claimed) for claimed in response["tasks"]]

    async def reclaim(self, run: Run) -> Run:
        """Extend the claim of a run, and return the run with its new credentials.

        :raises RunLostError: The queue refused it.
        :raises ServiceError: The queue did not answer.
        """
        try:
            response = await self._queue(run.credentials).reclaimTask(run.task_id, run.run_id)
        except FAILURES as error:
            failure = ServiceError(error)
            raise (RunLostError(error) if failure.is_refusal else failure) from error
        return dataclasses.replace(run, credentials=response["credentials"])

    def _queue(self, credentials: Mapping[str, str]) -> Any:
        options = {"rootUrl": self._root_url, "credentials": dict(credentials), "maxRetries": 0}
        return taskcluster.aio.Queue(options, session=self._session)

    def _claim(self, claimed: dict[str, Any]) -> Claim:
        task_id, run_id = claimed["status"]["taskId"], claimed["runId"]
        definition = claimed["task"]
        run = Run(task_id, run_id, self._root_url, claimed["credentials"], definition["expires"])
        started = from_json(claimed["status"]["runs"][run_id]["started"])
        return Claim(run, definition, started, (from_json(claimed["takenUntil"]) - started) / SECOND)


def attempt(call: Callable[[], object], *, tries: int = 1) -> None:
    """Make a call of a run, such as adding an artifact.

    :param tries: How often it is made while the service fails; more than once only if it can be repeated.
    :raises ServiceError: It was refused, or not answered.
    """
    for left in reversed(range(tries)):
        try:
            call()
        except FAILURES as error:
            failure = ServiceError(error)
            if failure.is_refusal or not left:
                raise failure from error
            time.sleep(PAUSE_SECONDS * (tries - left))
        else:
            return


def open_session() -> aiohttp.ClientSession:
    """Return a session of HTTP for the calls of a worker, to be used in ``async with``."""
    session: aiohttp.ClientSession = taskcluster.aio.createSession()
    return session

"""Claims and reclaims of a command worker, as coroutines, so that a call that waits can be given up."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import taskcluster.aio
from taskcluster.exceptions import TaskclusterFailure, TaskclusterRestFailure

from airflow_provider_taskcluster.emulator.clock import SECOND, from_json
from airflow_provider_taskcluster.emulator.command import reason

from .simulated import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aiohttp import ClientSession


class ServiceError(RuntimeError):
    """The queue refused a call, or did not answer.

    :param status: The status of the response, if there was one.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(reason(error))
        self.status: int | None = getattr(error, "status_code", None)


class RunLostError(ServiceError):
    """The run is no longer this worker's: it was cancelled, its claim expired, or its deadline has passed."""


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
        self, root_url: str, credentials: Mapping[str, str], task_queue_id: str, session: ClientSession
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
        except TaskclusterFailure as error:
            raise ServiceError(error) from error
        return [self._claim(claimed) for claimed in response["tasks"]]

    async def reclaim(self, run: Run) -> Run:
        """Extend the claim of a run, and return the run with its new credentials.

        :raises RunLostError: It is no longer this worker's.
        :raises ServiceError: The queue refused it, or did not answer.
        """
        try:
            response = await self._queue(run.credentials).reclaimTask(run.task_id, run.run_id)
        except TaskclusterRestFailure as error:
            lost = error.status_code in {HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND}
            raise (RunLostError if lost else ServiceError)(error) from error
        except TaskclusterFailure as error:
            raise ServiceError(error) from error
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


def attempt(call: Callable[[], object]) -> None:
    """Make a call of a run, such as adding an artifact.

    :raises ServiceError: It was refused, or not answered.
    """
    try:
        call()
    except (TaskclusterFailure, OSError) as error:
        raise ServiceError(error) from error


def open_session() -> ClientSession:
    """Return a session of HTTP for the calls of a worker, to be used in ``async with``."""
    session: ClientSession = taskcluster.aio.createSession()
    return session

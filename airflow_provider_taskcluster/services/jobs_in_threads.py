"""Calls that run at once, each in a thread, for a transport that blocks. An error of one ends all of them."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common.worker import Worker, run_all
from airflow_provider_taskcluster.services.runner import run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_taskcluster.common.http.sender import RequestSender
    from airflow_provider_taskcluster.services.transport import Job


class _Batch:
    """Jobs that run at once."""

    error: BaseException | None = None


# The jobs that this thread belongs to.
_BATCH: ContextVar[_Batch | None] = ContextVar("batch", default=None)


def jobs_have_ended() -> bool:
    """Tell whether an error has ended the jobs that this thread belongs to."""
    batch = _BATCH.get()
    return batch is not None and batch.error is not None


def check_jobs() -> None:
    """Begin no request for jobs that have ended.

    :raises ConnectionAbortedError: They have.
    """
    if jobs_have_ended():
        raise ConnectionAbortedError


async def run_in_threads(jobs: Sequence[Job], at_once: int, sender: RequestSender) -> None:
    """Run the jobs; raise the first error.

    :param at_once: Number of threads.
    :param sender: Sends their requests, which an error or an interruption aborts.
    """
    if len(jobs) <= 1:
        for job in jobs:
            await job()
        return
    batch, remaining = _Batch(), iter(jobs)

    def end(error: BaseException) -> None:
        batch.error = batch.error or error
        sender.abort(threads=workers)

    def work() -> None:
        _BATCH.set(batch)
        try:
            while not batch.error and (job := next(remaining, None)):
                run(job())
        except BaseException as error:  # noqa: BLE001 (raised to the caller)
            end(error)

    workers = [Worker("taskcluster-calls", work) for _ in range(min(at_once, len(jobs)))]
    run_all(workers, end)
    if batch.error:
        raise batch.error

"""Schedulers for jobs: one after the other, or several at once. After a job has failed, no new one starts."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from airflow_provider_taskcluster.common.worker import Worker, run_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from airflow_provider_taskcluster.transfer.threads.buffers import Failure

Job = TypeVar("Job")
Done = TypeVar("Done")


def run_jobs(jobs: Iterable[Job], work: Callable[[Job], Done], failure: Failure, at_once: int) -> list[Done]:
    """Do the work for each job and return the results; raise the first error.

    :param failure: Receives the first error, so that jobs under way can end early.
    :param at_once: Number of jobs at once; up to 1, they run in the caller's thread.
    """
    return (Threads(at_once) if at_once > 1 else Serial()).run(jobs, work, failure)


class Serial:
    """Runs jobs one after the other, in the caller's thread."""

    def run(self, jobs: Iterable[Job], work: Callable[[Job], Done], failure: Failure) -> list[Done]:
        """Do the work for each job."""
        try:
            done = []
            for job in jobs:
                done.append(work(job))
                del job  # frees memory that creating the next job needs
        except BaseException as error:
            failure.set(error)
            raise
        return done


@dataclass(frozen=True)
class Threads:
    """Runs several jobs at once, each in a thread.

    :param count: Number of threads.
    """

    count: int

    def run(self, jobs: Iterable[Job], work: Callable[[Job], Done], failure: Failure) -> list[Done]:
        """Do the work for each job."""
        return _Pool(iter(jobs), work, failure).run(self.count)


class _Pool(Generic[Job, Done]):
    def __init__(self, jobs: Iterator[Job], work: Callable[[Job], Done], failure: Failure) -> None:
        self._jobs = jobs
        self._do = work
        self._failure = failure
        self._taking = threading.Lock()
        self._done: list[Done] = []

    def run(self, count: int) -> list[Done]:
        run_all((Worker(f"taskcluster-part-{number}", self._work) for number in range(count)), self._failure.set)
        self._failure.check()
        return self._done

    def _work(self) -> None:
        try:
            while not self._failure.error:
                with self._taking:
                    job = None if self._failure.error else next(self._jobs, None)
                if job is None or self._failure.error:  # failed while the job was created
                    return
                self._done.append(self._do(job))
                del job  # frees memory that creating the next job needs
        except BaseException as error:  # noqa: BLE001 (raised by run, in the caller's thread)
            self._failure.set(error)

"""Which part goes when: one after the other, or several at once. Knows nothing of requests.

After a part has failed for good no new one starts.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from airflow_provider_taskcluster.transfer.threads.worker import Worker, run_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from airflow_provider_taskcluster.transfer.threads.buffers import Failure

Job = TypeVar("Job")
Done = TypeVar("Done")


class Scheduler(Protocol):
    """Runs jobs."""

    def run(self, jobs: Iterable[Job], work: Callable[[Job], Done], failure: Failure) -> list[Done]:
        """Do the work for each job and return the outcomes; raise the first error.

        :param failure: Is told of it, so that jobs under way can end early.
        """


class Serial:
    """One after the other, in the caller's thread."""

    def run(self, jobs: Iterable[Job], work: Callable[[Job], Done], failure: Failure) -> list[Done]:
        """Do the work for each job."""
        try:
            done = []
            for job in jobs:
                done.append(work(job))
                del job  # it may hold memory, which the making of the next one needs
        except BaseException as error:
            failure.set(error)
            raise
        return done


@dataclass(frozen=True)
class Threads:
    """Several at once.

    :param count: How many.
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
                if job is None or self._failure.error:  # it may have failed while the job was made
                    return
                self._done.append(self._do(job))
                del job  # it may hold memory, which the making of the next one needs
        except BaseException as error:  # noqa: BLE001 (raised by run, in the caller's thread)
            self._failure.set(error)

"""Batching of questions to the services: equal ones once, tasks and index paths by the page, others singly."""

from __future__ import annotations

import logging
import random
from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_taskcluster.common.messages import exception_summary, visible
from airflow_provider_taskcluster.exceptions import (
    AuthenticationFailed,
    ConnectionFailed,
    InsufficientScopes,
    NotFound,
    ServiceUnavailable,
    TaskclusterError,
    UnreadableAnswer,
    WaitFailed,
)
from airflow_provider_taskcluster.services.artifacts import Artifacts
from airflow_provider_taskcluster.services.index import Index
from airflow_provider_taskcluster.services.objects import Objects
from airflow_provider_taskcluster.services.task_changes import TaskChanges
from airflow_provider_taskcluster.services.task_definitions import required_tasks
from airflow_provider_taskcluster.services.tasks import LARGEST_PAGE, Tasks
from airflow_provider_taskcluster.waits.questions import (
    ArtifactsOf,
    DependencyStatus,
    GroupOf,
    IndexedAt,
    InfoOf,
    MetadataOf,
    Question,
    ReasonOf,
    RequirementsOf,
    StatusOf,
)
from airflow_provider_taskcluster.waits.time_slices import yielding_to_loop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence

    from airflow_provider_taskcluster.services.client import Client
    from airflow_provider_taskcluster.services.transport import Job
    from airflow_provider_taskcluster.waits.protocol import Json

log = logging.getLogger(__name__)

# Concurrent calls: more would flood the server, and the event loop with their responses.
CONCURRENCY = 10
# A refused page of statuses is halved down to this size; below it, each task is asked for singly.
SMALLEST_PAGE = 8
# Unreadable pages in one batch that are split and asked for again; finding one task in a thousand takes nine.
MOST_UNREADABLE_PAGES = 30
# Statuses by which a service asks clients to come back later.
OVERLOADED_STATUSES = {429, 503}

T = TypeVar("T")


class Batcher:
    """Answers questions through the services of one deployment.

    When a service asks for a pause, or cannot be reached, the remaining questions are not sent: that error is their
    answer.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self._outage: TaskclusterError | None = None
        self._error: TaskclusterError | None = None
        self._answered = False
        self._answers: dict[Question, Any] = {}
        self._unreadable = 0
        self._jobs: list[Job] = []
        self._paging = client.transport.turns()  # one page at a time: parsing one keeps the event loop busy

    @property
    def outage(self) -> TaskclusterError | None:
        """The error by which a service asked for a pause, or the last one if no call succeeded; None otherwise."""
        return self._outage or (None if self._answered else self._error)

    async def ask(self, questions: Collection[Question]) -> dict[Question, Any]:
        """Return the answer to each question: JSON, None for a thing that does not exist, or a ``TaskclusterError``."""
        self._answers = {}
        self._unreadable = 0
        by_kind: dict[type[Question], list[Any]] = defaultdict(list)
        async for question in yielding_to_loop(questions):
            by_kind[type(question)].append(question)
        for kind in (StatusOf, DependencyStatus):
            self._queue_status_calls([asked.task_id for asked in by_kind.pop(kind, ())], LARGEST_PAGE, kind)
        self._queue_index_calls([asked.index_path for asked in by_kind.pop(IndexedAt, ())], LARGEST_PAGE)
        self._jobs += [partial(self._call_one, asked) for others in by_kind.values() for asked in others]
        while self._jobs:
            jobs, self._jobs = self._jobs, []
            random.shuffle(jobs)  # so that the same ones are not always the last
            await self.client.transport.run_all(jobs, CONCURRENCY)
        async for question, answer in yielding_to_loop(self._answers.items()):
            self._answers[question] = _as_allowed(question, answer)
        return self._answers

    def _queue_status_calls(self, task_ids: Sequence[str], size: int, kind: type[StatusOf]) -> None:
        for page in batched(task_ids, size):
            single = len(page) == 1
            self._jobs.append(
                partial(self._call_one, kind(page[0])) if single else partial(self._call_statuses, page, kind)
            )

    async def _call_statuses(self, task_ids: Sequence[str], kind: type[StatusOf]) -> None:
        """Ask for many tasks in one call; if that is refused or not supported, for fewer at a time."""
        async with self._paging:
            statuses = await self._answer(lambda: Tasks(self.client).statuses(task_ids))
        if isinstance(statuses, InsufficientScopes) and len(task_ids) > SMALLEST_PAGE:
            self._queue_status_calls(task_ids, (len(task_ids) + 1) // 2, kind)
        elif isinstance(statuses, UnreadableAnswer):
            self._ask_in_smaller_pages(task_ids, statuses, kind)
        elif statuses is None or _falls_back_to_single_calls(statuses):
            log.info("One call for %d statuses failed, asking for each: %s", len(task_ids), visible(statuses))
            self._queue_status_calls(task_ids, 1, kind)
        elif isinstance(statuses, TaskclusterError):
            self._answers |= dict.fromkeys(map(kind, task_ids), statuses)
        else:
            self._answers |= {kind(task_id): statuses.get(task_id) for task_id in task_ids}
            unreadable = [task_id for task_id in task_ids if isinstance(statuses.get(task_id), UnreadableAnswer)]
            if unreadable:
                self._ask_in_smaller_pages(unreadable, statuses[unreadable[0]], kind)

    def _ask_in_smaller_pages(self, task_ids: Sequence[str], error: UnreadableAnswer, kind: type[StatusOf]) -> None:
        """Ask for fewer tasks at a time, so that one unreadable status does not hold up the others.

        This ends after ``MOST_UNREADABLE_PAGES``; the look at the tasks that are left has failed then.
        """
        error.transient = True
        self._answers |= dict.fromkeys(map(kind, task_ids), error)
        self._unreadable += 1
        if self._unreadable <= MOST_UNREADABLE_PAGES:
            few = len(task_ids) <= SMALLEST_PAGE
            self._queue_status_calls(task_ids, 1 if few else (len(task_ids) + 1) // 2, kind)

    def _queue_index_calls(self, index_paths: Sequence[str], size: int) -> None:
        for page in batched(index_paths, size):
            single = len(page) == 1
            self._jobs.append(
                partial(self._call_one, IndexedAt(page[0])) if single else partial(self._call_find_tasks, page)
            )

    async def _call_find_tasks(self, index_paths: Sequence[str]) -> None:
        """Ask for many index paths in one call; if that is refused or unreadable, for each singly."""
        tasks = await self._answer(lambda: Index(self.client).find_tasks(index_paths))
        if isinstance(tasks, UnreadableAnswer) or tasks is None or _falls_back_to_single_calls(tasks):
            log.info("One call for %d index paths failed, asking for each: %s", len(index_paths), visible(tasks))
            self._queue_index_calls(index_paths, 1)
        elif isinstance(tasks, TaskclusterError):
            self._answers |= dict.fromkeys(map(IndexedAt, index_paths), tasks)
        else:
            self._answers |= {IndexedAt(path): tasks.get(path) for path in index_paths}

    async def _call_one(self, question: Question) -> None:
        self._answers[question] = await self._answer(lambda: self._call(question))

    async def _answer(self, call: Callable[[], Awaitable[Any]]) -> Any:
        """Make one call, unless a service has asked for a pause; an error is returned as the answer."""
        if self._outage is not None:
            return self._outage
        try:
            answer = await call()
        except NotFound:
            answer = None
        except TaskclusterError as error:
            self.client.traffic.errors += 1
            if isinstance(error, UnreadableAnswer):
                error.transient = True  # a wait looks again, and the next response may be readable
            if _is_outage(error):
                self._outage = error
            if error.transient:
                self._error = error
            return error
        except Exception as error:  # noqa: BLE001 (an unexpected error ends this look alone)
            self._error = WaitFailed(f"A look came to nothing: {exception_summary(error)}")
            return self._error
        self._answered = True
        return answer

    async def _call(self, question: Question) -> Any:
        answer: Any
        match question:
            case StatusOf(task_id):
                answer = await Tasks(self.client).status(task_id)
            case RequirementsOf(task_id):
                answer = required_tasks(await TaskChanges(self.client).definition(task_id))
            case GroupOf(group_id):
                answer = [status async for page in Tasks(self.client).group(group_id) for status in page]
            case ArtifactsOf(task_id, run_id):
                answer = [info async for page in Artifacts(self.client).pages(task_id, run_id) for info in page]
            case InfoOf(task_id, run_id, name):
                answer = await Artifacts(self.client).info(task_id, name, run_id)
            case ReasonOf(task_id, run_id, name):
                answer = await self._reason(task_id, run_id, name)
            case MetadataOf(name):
                answer = await Objects(self.client).metadata(name)
            case IndexedAt(index_path):
                answer = await Index(self.client).find_task(index_path)
        return answer

    async def _reason(self, task_id: str, run_id: int, name: str) -> Json | None:
        """Return reason and message of an error artifact; None without the scope to read them."""
        try:
            answer = await Artifacts(self.client).content(task_id, name, run_id)
        except InsufficientScopes:
            return None
        return answer if answer["storageType"] == "error" else None


def _as_allowed(question: Question, answer: Any) -> Any:
    """Return None for what a wait can do without, if the scopes do not allow to ask for it."""
    optional = isinstance(question, RequirementsOf | DependencyStatus) and isinstance(answer, InsufficientScopes)
    return None if optional else answer


def batched(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """Split a sequence into pages of a size; the last one may be shorter."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def _is_outage(error: TaskclusterError) -> bool:
    """Tell whether the error concerns a whole service, not one thing in it."""
    if isinstance(error, ServiceUnavailable):
        return error.status in OVERLOADED_STATUSES or error.retry_after is not None
    return isinstance(error, ConnectionFailed) and error.transient


def _falls_back_to_single_calls(answer: Any) -> bool:
    """Tell whether to fall back from the batch call, which is marked experimental, to single calls."""
    final = isinstance(answer, TaskclusterError) and not answer.transient
    return final and not isinstance(answer, AuthenticationFailed | ConnectionFailed)

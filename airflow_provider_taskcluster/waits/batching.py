"""Answers questions through the services: equal ones once, tasks and index paths by the page, others singly."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_taskcluster.common.messages import crash, visible
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
from airflow_provider_taskcluster.services.tasks import LARGEST_PAGE, Tasks
from airflow_provider_taskcluster.waits.questions import (
    ArtifactsOf,
    GroupOf,
    IndexedAt,
    InfoOf,
    MetadataOf,
    Question,
    ReasonOf,
    StatusOf,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from airflow_provider_taskcluster.services.client import Client
    from airflow_provider_taskcluster.waits.protocol import Json

log = logging.getLogger(__name__)

# Calls under way at once: a server is not to be flooded, nor a loop by answers that all come at once.
CONCURRENCY = 10
# Pages of statuses that are refused are halved down to this; then each task is asked for by itself.
SMALLEST_PAGE = 8
# So many unreadable pages are asked for anew in smaller ones; to find one task in a thousand takes nine.
MOST_UNREADABLE = 30
# Statuses that say: come back later.
RESTING = {429, 503}

T = TypeVar("T")
Call = Callable[[], Awaitable[None]]


class Asker:
    """Asks the services of one deployment.

    When one of them wants to be left alone for a while, or cannot be reached, the questions that are left are not
    asked: they get the same error for an answer.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self._rest: TaskclusterError | None = None
        self._error: TaskclusterError | None = None
        self._answered = False
        self._answers: dict[Question, Any] = {}
        self._unreadable = 0
        self._calls: list[Call] = []
        self._paging = asyncio.Lock()  # one page after the other: reading one takes a loop some time

    @property
    def trouble(self) -> TaskclusterError | None:
        """The error by which a service asked for rest, or by which there was no answer at all."""
        return self._rest or (None if self._answered else self._error)

    async def ask(self, questions: Collection[Question]) -> dict[Question, Any]:
        """Return an answer for each: JSON, None where there is no such thing, or a ``TaskclusterError``."""
        self._answers = {}
        self._unreadable = 0
        tasks = [question.task_id for question in questions if isinstance(question, StatusOf)]
        paths = [question.index_path for question in questions if isinstance(question, IndexedAt)]
        self._ask_for_statuses(tasks, LARGEST_PAGE)
        self._ask_for_paths(paths, LARGEST_PAGE)
        others = [question for question in questions if not isinstance(question, StatusOf | IndexedAt)]
        self._calls += [partial(self._one, question) for question in others]
        while self._calls:
            calls, self._calls = self._calls, []
            random.shuffle(calls)  # so that the same ones are not always the last
            await _few_at_a_time(calls)
        return self._answers

    def _ask_for_statuses(self, task_ids: Sequence[str], size: int) -> None:
        for page in batched(task_ids, size):
            self._calls.append(partial(self._page, page) if len(page) > 1 else partial(self._one, StatusOf(page[0])))

    async def _page(self, task_ids: Sequence[str]) -> None:
        """Ask for many tasks in one call; where that is refused or not known, for fewer."""
        async with self._paging:
            found = await self._answer(lambda: Tasks(self.client).statuses(task_ids))
        if isinstance(found, InsufficientScopes) and len(task_ids) > SMALLEST_PAGE:
            self._ask_for_statuses(task_ids, (len(task_ids) + 1) // 2)
        elif isinstance(found, UnreadableAnswer):
            self._ask_again(task_ids, found)
        elif found is None or _may_be_for_the_page(found):
            log.info(
                "The statuses of %d tasks do not come in one call, asking for each: %s", len(task_ids), visible(found)
            )
            self._ask_for_statuses(task_ids, 1)
        elif isinstance(found, TaskclusterError):
            self._answers |= dict.fromkeys(map(StatusOf, task_ids), found)
        else:
            self._answers |= {StatusOf(task_id): found.get(task_id) for task_id in task_ids}
            odd = [task_id for task_id in task_ids if isinstance(found.get(task_id), UnreadableAnswer)]
            if odd:
                self._ask_again(odd, found[odd[0]])

    def _ask_again(self, task_ids: Sequence[str], error: UnreadableAnswer) -> None:
        """Ask for fewer tasks at a time, to find the one whose status cannot be read: the others shall not wait for it.

        Where nothing can be read that ends soon, and the look has come to nothing.
        """
        error.transient = True
        self._answers |= dict.fromkeys(map(StatusOf, task_ids), error)
        self._unreadable += 1
        if self._unreadable <= MOST_UNREADABLE:
            few = len(task_ids) <= SMALLEST_PAGE
            self._ask_for_statuses(task_ids, 1 if few else (len(task_ids) + 1) // 2)

    def _ask_for_paths(self, index_paths: Sequence[str], size: int) -> None:
        for page in batched(index_paths, size):
            self._calls.append(partial(self._paths, page) if len(page) > 1 else partial(self._one, IndexedAt(page[0])))

    async def _paths(self, index_paths: Sequence[str]) -> None:
        """Ask for many index paths in one call; where that is refused or cannot be read, for each by itself."""
        found = await self._answer(lambda: Index(self.client).find_tasks(index_paths))
        if isinstance(found, UnreadableAnswer) or found is None or _may_be_for_the_page(found):
            log.info("%d index paths do not come in one call, asking for each: %s", len(index_paths), visible(found))
            self._ask_for_paths(index_paths, 1)
        elif isinstance(found, TaskclusterError):
            self._answers |= dict.fromkeys(map(IndexedAt, index_paths), found)
        else:
            self._answers |= {IndexedAt(path): found.get(path) for path in index_paths}

    async def _one(self, question: Question) -> None:
        self._answers[question] = await self._answer(lambda: self._call(question))

    async def _answer(self, call: Callable[[], Awaitable[Any]]) -> Any:
        """Make one call, unless a service wants to be left alone; an error is an answer too."""
        if self._rest is not None:
            return self._rest
        try:
            found = await call()
        except NotFound:
            found = None
        except TaskclusterError as error:
            self.client.traffic.errors += 1
            if isinstance(error, UnreadableAnswer):
                error.transient = True  # of a wait that is one look: the next may bring something else
            if _wants_rest(error):
                self._rest = error
            if error.transient:
                self._error = error
            return error
        except Exception as error:  # noqa: BLE001 (what nobody thought of ends this look alone)
            self._error = WaitFailed(f"A look came to nothing: {crash(error)}")
            return self._error
        self._answered = True
        return found

    async def _call(self, question: Question) -> Any:
        answer: Any
        match question:
            case StatusOf(task_id):
                answer = await Tasks(self.client).status(task_id)
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
        """Ask why there is an error; who may not know that still gets to know that there is one."""
        try:
            answer = await Artifacts(self.client).content(task_id, name, run_id)
        except InsufficientScopes:
            return None
        return answer if answer["storageType"] == "error" else None


async def _few_at_a_time(calls: Sequence[Call]) -> None:
    waiting = iter(calls)

    async def work() -> None:
        for call in waiting:
            await call()

    async with asyncio.TaskGroup() as group:
        for _ in range(min(CONCURRENCY, len(calls))):
            group.create_task(work())


def batched(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """Cut a sequence into pieces of a size; the last one may be shorter."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def _wants_rest(error: TaskclusterError) -> bool:
    """Tell whether it is about a service as a whole, not about one thing in it."""
    if isinstance(error, ServiceUnavailable):
        return error.status in RESTING or error.retry_after is not None
    return isinstance(error, ConnectionFailed) and error.transient


def _may_be_for_the_page(found: Any) -> bool:
    """Tell whether tasks by themselves may be answered where a page is not: it is marked experimental."""
    final = isinstance(found, TaskclusterError) and not found.transient
    return final and not isinstance(found, AuthenticationFailed | ConnectionFailed)

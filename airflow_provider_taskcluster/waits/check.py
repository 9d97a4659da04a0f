"""Runs looks until each has its verdict, one or thousands at once; their questions are asked together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_taskcluster.common.messages import exception_summary
from airflow_provider_taskcluster.exceptions import WaitFailed
from airflow_provider_taskcluster.waits.batching import Batcher
from airflow_provider_taskcluster.waits.protocol import Look, NotYet
from airflow_provider_taskcluster.waits.time_slices import yielding_to_loop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

    from airflow_provider_taskcluster.services.client import Client
    from airflow_provider_taskcluster.waits.protocol import Verdict, Wait
    from airflow_provider_taskcluster.waits.questions import Question

T = TypeVar("T")


async def look(wait: Wait, client: Client, memory: Any = None) -> Verdict:
    """Look at one wait, once.

    :param memory: ``memory`` of the last ``NotYet``; None for the first look.
    """
    looks = look_at_all([None], lambda _: Look(wait, client.root_url, memory), Batcher(client).ask)
    ((_, verdict),) = [look async for look in looks]
    return verdict


async def look_at_all(
    waiting: Iterable[T],
    new_look: Callable[[T], Look],
    ask: Callable[[set[Question]], Awaitable[dict[Question, Any]]],
) -> AsyncIterator[tuple[T, Verdict]]:
    """Yield the verdict for each wait as soon as it is known.

    :param waiting: One key for each wait.
    :param new_look: Begins the look at the wait of a key.
    :param ask: Answers questions.
    """
    keys = []
    questions: set[Question] = set()
    async for key in yielding_to_loop(list(waiting)):
        try:
            questions.update(new_look(key).questions)
        except Exception as error:  # noqa: BLE001 (an unexpected error ends this look alone)
            yield key, _look_failed(error)
        else:
            keys.append(key)
    answers = await ask(questions)
    looks: dict[T, Look] = {}
    # Looks are begun anew, not kept: most end after one question, and thousands of objects that outlive a request
    # trigger full garbage collections, during which the event loop stands still.
    async for key in yielding_to_loop(keys):
        current = new_look(key)
        if (verdict := _verdict(current, answers)) is None:
            looks[key] = current
        else:
            yield key, verdict
    while looks:
        questions = {question for current in looks.values() for question in current.questions}
        answers |= await ask(questions - answers.keys())
        async for key in yielding_to_loop(list(looks)):
            if (verdict := _verdict(looks[key], answers)) is not None:
                del looks[key]
                yield key, verdict


def _verdict(current: Look, answers: dict[Question, Any]) -> Verdict | None:
    try:
        current.answer(answers)
    except Exception as error:  # noqa: BLE001 (as above)
        return _look_failed(error)
    return current.verdict


def _look_failed(error: Exception) -> NotYet:
    failed = WaitFailed(f"A look came to nothing: {exception_summary(error)}")
    return NotYet(str(failed), error=failed)

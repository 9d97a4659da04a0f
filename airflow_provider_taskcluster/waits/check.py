"""Leads looks to their verdicts, one or thousands at once: what they all ask is asked once, together."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_taskcluster.common.messages import crash
from airflow_provider_taskcluster.exceptions import WaitFailed
from airflow_provider_taskcluster.waits.batching import Asker
from airflow_provider_taskcluster.waits.protocol import NotYet, Talk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

    from airflow_provider_taskcluster.services.client import Client
    from airflow_provider_taskcluster.waits.protocol import Verdict, Wait
    from airflow_provider_taskcluster.waits.questions import Question

# Others want the loop, too: it is given up after so many seconds.
BREATH = 0.005

T = TypeVar("T")


async def look(wait: Wait, client: Client) -> Verdict:
    """Look at one wait, once."""
    looks = look_at_all([None], lambda _: Talk(wait, client.root_url), Asker(client).ask)
    ((_, verdict),) = [look async for look in looks]
    return verdict


async def look_at_all(
    waiting: Iterable[T],
    talk_of: Callable[[T], Talk],
    ask: Callable[[set[Question]], Awaitable[dict[Question, Any]]],
) -> AsyncIterator[tuple[T, Verdict]]:
    """Give out the verdicts, each as soon as it is there.

    :param talk_of: Begins the look at a wait.
    :param ask: Answers questions.
    """
    keys = []
    questions: set[Question] = set()
    async for key in breathing(list(waiting)):
        try:
            questions.update(talk_of(key).questions)
        except Exception as error:  # noqa: BLE001 (what nobody thought of ends this look alone)
            yield key, _failed(error)
        else:
            keys.append(key)
    answers = await ask(questions)
    talks: dict[T, Talk] = {}
    # Most waits have but one question. Their talks are begun anew, and gone at once: thousands that outlive a request
    # would make the garbage collector go through all memory, time and again, while the loop stands still.
    async for key in breathing(keys):
        talk = talk_of(key)
        if (verdict := _verdict(talk, answers)) is None:
            talks[key] = talk
        else:
            yield key, verdict
    while talks:
        questions = {question for talk in talks.values() for question in talk.questions}
        answers |= await ask(questions - answers.keys())
        async for key in breathing(list(talks)):
            if (verdict := _verdict(talks[key], answers)) is not None:
                del talks[key]
                yield key, verdict


def _verdict(talk: Talk, answers: dict[Question, Any]) -> Verdict | None:
    try:
        talk.answer(answers)
    except Exception as error:  # noqa: BLE001 (as above)
        return _failed(error)
    return talk.verdict


def _failed(error: Exception) -> NotYet:
    failed = WaitFailed(f"A look came to nothing: {crash(error)}")
    return NotYet(str(failed), error=failed)


async def breathing(items: Iterable[T]) -> AsyncIterator[T]:
    """Give out the items; others get the loop in between."""
    begun = time.monotonic()
    for item in items:
        yield item
        if time.monotonic() - begun > BREATH:
            await asyncio.sleep(0)
            begun = time.monotonic()

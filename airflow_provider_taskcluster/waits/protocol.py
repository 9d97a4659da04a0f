"""One look at a wait, without any I/O: it asks, is answered, and ends with a verdict. Pure.

A wait says what it needs to know, step by step, in a generator: it yields questions, is sent their answers, and
returns a verdict. Poke and reschedule mode let it talk with the services by itself, the poller lets many talk at
once; what the answers mean is decided here and in the kinds of waits alone, so that no mode can differ from another.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from airflow_provider_taskcluster.exceptions import (
    ArtifactError,
    Expired,
    HashMismatch,
    NotFound,
    TaskclusterError,
    WillNotCome,
)
from airflow_provider_taskcluster.waits.questions import Question

Json = dict[str, Any]
Answers = Mapping[Question, Any]


@dataclass(frozen=True)
class Found(dict[str, Any]):
    """It is there.

    :param result: What was found, JSON types only.
    """

    result: Json

    def __post_init__(self) -> None:
        self.update(verdict="found", result=self.result)


@dataclass(frozen=True)
class NotYet(dict[str, Any]):
    """It is not there, and may come.

    :param why: For the log.
    :param memory: What the next look wants to know of this one.
    :param error: The look came to nothing for the moment, by this.
    :param instead: Says what is there instead. Called on a worker alone: for thousands of waits it takes too long.
    """

    why: str
    memory: Any = None
    error: TaskclusterError | None = None
    instead: Callable[[], str] | None = None

    def __post_init__(self) -> None:
        self.update(verdict="not yet", why=self.why)


@dataclass(frozen=True)
class Over(dict[str, Any]):
    """It cannot come any more, or nobody would get to know.

    :param error: Says what happened; not transient.
    """

    error: TaskclusterError

    def __post_init__(self) -> None:
        self.update(verdict="over", why=str(self.error))


# Each is a dict as well, ``results.Looked``, and that is what another task gets when a function returns it.
Verdict = Found | NotYet | Over
_DID_NOT_COME = (WillNotCome, ArtifactError, HashMismatch, NotFound, Expired)
T = TypeVar("T")
Asking = Generator[Sequence[Question], Answers, T]
Talking = Asking[Verdict]


class Wait(Protocol):
    """A kind of wait: a frozen dataclass with JSON types for fields (see ``descriptions.py``)."""

    @property
    def service(self) -> str:
        """The service that it mostly asks."""

    def talk(self, root_url: str, memory: Any) -> Talking:
        """Look once.

        :param root_url: For links to the logs of tasks.
        :param memory: What the ``NotYet`` of the look before has left, None for the first one.
        """


class Talk:
    """Leads one look: ``questions`` are to be answered until there is a ``verdict``."""

    __slots__ = ("_memory", "_talking", "questions", "verdict")

    def __init__(self, wait: Wait, root_url: str, memory: Any = None) -> None:
        self.verdict: Verdict | None = None
        self.questions: Sequence[Question] = ()
        self._memory = memory
        self._talking = wait.talk(root_url, memory)
        self._go_on(None)

    def answer(self, answers: Answers) -> None:
        """Go on with the answers to all of its questions, maybe among others.

        An error that will not pass ends the wait, another one this look.
        """
        errors = [found for asked in self.questions if isinstance(found := answers[asked], TaskclusterError)]
        if errors:
            error = min(errors, key=lambda error: error.transient)
            self.verdict = NotYet(str(error), self._memory, error) if error.transient else Over(error)
            return
        self._go_on(answers)

    def _go_on(self, answers: Answers | None) -> None:
        try:
            self.questions = next(self._talking) if answers is None else self._talking.send(answers)
        except StopIteration as end:
            self.verdict = end.value


def did_not_come(error: TaskclusterError) -> bool:
    """Tell whether a wait ended because the thing did not come, which ``soft_fail`` skips.

    Other final errors (configuration, authentication, missing scopes, invalid input) are for somebody to correct.
    """
    return isinstance(error, _DID_NOT_COME)

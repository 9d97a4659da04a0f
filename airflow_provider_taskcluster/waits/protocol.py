"""The protocol of one look at a wait, without I/O: questions out, answers in, a verdict at the end. Pure.

A wait is a generator: it yields questions, is sent their answers, and returns a verdict. Poke and reschedule mode run
one alone, the poller runs many at once. What the answers mean is decided only here and in ``conditions``, so that the
modes cannot differ.
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
    """Verdict: the wait is met.

    :param result: The result for XCom, JSON types only.
    :param news: What has happened since the last look, one line of the log each.
    """

    result: Json
    news: Sequence[str] = ()

    def __post_init__(self) -> None:
        self.update(verdict="found", result=self.result)


@dataclass(frozen=True)
class NotYet(dict[str, Any]):
    """Verdict: the wait is not met, and may be later.

    :param why: The reason, for the log.
    :param memory: Passed to the next look.
    :param error: The transient error by which this look failed.
    :param instead: Returns a sentence about similar names that exist. Called on workers only: it is too slow for
        thousands of waits.
    :param news: As of ``Found``.
    """

    why: str
    memory: Any = None
    error: TaskclusterError | None = None
    instead: Callable[[], str] | None = None
    news: Sequence[str] = ()

    def __post_init__(self) -> None:
        self.update(verdict="not yet", why=self.why)


@dataclass(frozen=True)
class Over(dict[str, Any]):
    """Verdict: the wait can no longer be met, or that could not be found out.

    :param error: The reason; not transient.
    :param news: As of ``Found``.
    """

    error: TaskclusterError
    news: Sequence[str] = ()

    def __post_init__(self) -> None:
        self.update(verdict="over", why=str(self.error))


# Each is a dict as well (``results.Looked``), so that a function can return it to XCom.
Verdict = Found | NotYet | Over
_DID_NOT_COME = (WillNotCome, ArtifactError, HashMismatch, NotFound, Expired)
T = TypeVar("T")
Steps = Generator[Sequence[Question], Answers, T]
LookSteps = Steps[Verdict]


class Wait(Protocol):
    """A kind of wait: a frozen dataclass whose fields have JSON types (see ``serialization.py``)."""

    @property
    def service(self) -> str:
        """The service that it asks most."""

    def talk(self, root_url: str, memory: Any) -> LookSteps:
        """Look once.

        :param root_url: For links to the logs of tasks.
        :param memory: The ``memory`` of the last ``NotYet``; None for the first look.
        """


class Look:
    """One look in progress: answer its ``questions`` until there is a ``verdict``."""

    __slots__ = ("_memory", "_talking", "questions", "verdict")

    def __init__(self, wait: Wait, root_url: str, memory: Any = None) -> None:
        self.verdict: Verdict | None = None
        self.questions: Sequence[Question] = ()
        self._memory = memory
        self._talking = wait.talk(root_url, memory)
        self._go_on(None)

    def answer(self, answers: Answers) -> None:
        """Continue with the answers, which must cover all questions.

        A permanent error ends the wait, a transient one only this look.
        """
        errors = [answer for asked in self.questions if isinstance(answer := answers[asked], TaskclusterError)]
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
    """Tell whether a wait ended because what it waits for did not come; ``soft_fail`` skips the task then.

    Other permanent errors (configuration, authentication, missing scopes, invalid input) need a correction.
    """
    return isinstance(error, _DID_NOT_COME)

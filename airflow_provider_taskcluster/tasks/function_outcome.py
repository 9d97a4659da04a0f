"""What came of a Python function that ran as a Taskcluster task. Pure.

The task wrote it: sizes and texts are checked, but a pickle is code. ``serializer="json"`` takes no pickles.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_taskcluster.common.arguments import choice
from airflow_provider_taskcluster.common.messages import log_line, one_line, visible
from airflow_provider_taskcluster.exceptions import FunctionFailed, InvalidInput, NotAsAnnounced

if TYPE_CHECKING:
    from collections.abc import Callable

OUTCOMES = ("returned", "raised", "skipped")
# Bytes of an outcome beside its result, at most: those of an exception.
LARGEST_EXCEPTION = 256 * 1024


@dataclass(frozen=True)
class FunctionOutcome:
    """The outcome as the task wrote it.

    :param what: The task, for errors.
    :param final: Whether the function raised ``AirflowFailException``, which Airflow does not retry.
    :param serialized: The serialized result or exception; None for the result None, or for an exception that cannot be
        serialized.
    """

    what: str
    outcome: Literal["returned", "raised", "skipped"]
    final: bool = False
    serialized: bytes | None = None
    kind: str = ""
    message: str = ""
    traceback: str = ""

    @property
    def reason(self) -> str:
        """The exception, on one line."""
        return f"{one_line(self.kind, 100)}: {visible(self.message, 1000)}" if self.message else one_line(self.kind)

    def value(self, loads: Callable[[bytes], Any]) -> Any:
        """Return what the function returned.

        :param loads: Of the serializer.
        :raises NotAsAnnounced: It cannot be read here.
        """
        if self.serialized is None:
            return None
        try:
            return loads(self.serialized)
        except Exception as error:  # noqa: BLE001 (a pickle runs code)
            raise NotAsAnnounced(
                f"The result of {self.what} cannot be read here ({type(error).__name__}: {one_line(error)}): return "
                f"values of types that both Pythons have"
            ) from None

    def error(self, loads: Callable[[bytes], Any]) -> Exception:
        """Return what the function raised, with the traceback on the worker as a note.

        :return: ``FunctionFailed`` if it cannot be rebuilt here.
        """
        try:
            rebuilt = None if self.serialized is None else loads(self.serialized)
        except Exception:  # noqa: BLE001 (a pickle runs code)
            rebuilt = None
        if not isinstance(rebuilt, Exception):
            rebuilt = FunctionFailed(f"{self.what} raised {self.reason}", transient=True)
            rebuilt.remote_traceback = self.traceback
        rebuilt.add_note(f"Raised by {visible(self.what)}:")
        for line in self.traceback.splitlines():
            rebuilt.add_note(log_line(line))
        return rebuilt


def read_outcome(data: bytes, what: str) -> FunctionOutcome:
    """Return the outcome that a task published.

    :raises NotAsAnnounced: It is none.
    """
    try:
        read = json.loads(data)
        outcome = choice(read["outcome"], "outcome", OUTCOMES)
        serialized = read.get("result" if outcome == "returned" else "exception")
        return FunctionOutcome(
            what,
            outcome,  # type: ignore[arg-type]  # choice has checked it
            read.get("final") is True,
            None if serialized is None else base64.b64decode(serialized, validate=True),
            *(str(read.get(name, "")) for name in ("type", "message", "traceback")),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, InvalidInput) as error:
        raise NotAsAnnounced(f"The outcome of {what} is not readable ({one_line(error)}): see its log") from None

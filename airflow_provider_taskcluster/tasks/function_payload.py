"""The payload of a task that runs a Python function: the function and its arguments go in the environment. Pure.

Each worker has an environment, and nothing else need be reachable: no store, no proxy, no scope. The input is
compressed, and cut into pieces, since Linux takes 128 KiB a variable.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.tasks import function_runner
from airflow_provider_taskcluster.tasks.docker_worker import docker_worker_payload
from airflow_provider_taskcluster.tasks.generic_worker import generic_worker_payload
from airflow_provider_taskcluster.tasks.payload_artifacts import file_artifact

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

# The artifact with what came of the function. Whoever may write it can run code in Airflow, and it may hold data: it is
# private, so that reading it needs a scope.
OUTCOME_ARTIFACT = "private/airflow/outcome.json"
_OUTCOME_FILE = "airflow-function/outcome.json"
# Characters of a variable, and of all of them: macOS takes 1 MiB for all arguments and variables of a program.
PIECE = 96 * 1024
LARGEST_INPUT = 8 * PIECE
# Fields of a payload that arguments decide.
_DECIDED = {"command": "the function", "maxRunTime": "max_run_time", "image": "image"}


@dataclass(frozen=True)
class FunctionInput:
    """What a worker needs to run a function.

    :param script: The program that Airflow wrote around the source of the function.
    :param arguments: The serialized arguments; empty if there are none.
    :param serializer: Name of the module that serializes the result.
    """

    script: str
    arguments: bytes
    serializer: str

    def pieces(self) -> list[str]:
        """Return the input as text in pieces.

        :raises InvalidInput: It is too large.
        """
        content = {
            "script": self.script,
            "arguments": base64.b64encode(self.arguments).decode(),
            "serializer": self.serializer,
        }
        text = base64.b64encode(zlib.compress(json.dumps(content).encode(), 9)).decode()
        if len(text) > LARGEST_INPUT:
            raise InvalidInput(
                f"The function and its arguments have {len(text)} characters as compressed text, and {LARGEST_INPUT} "
                f"are possible: upload what is large, and pass its name"
            )
        return [text[start : start + PIECE] for start in range(0, len(text), PIECE)]


def function_payload(
    given: FunctionInput,
    more: Mapping[str, Any],
    *,
    python_command: str,
    max_run_time: int | timedelta,
    image: str | Mapping[str, str] | None,
    source: str,
) -> dict[str, Any]:
    """Return the payload: that of docker-worker with an ``image``, else that of generic-worker.

    :param more: Further fields of the payload.
    :param source: The program that runs the input: the text of ``function_runner``.
    :raises InvalidInput: The input is too large, or ``more`` has a field that others decide.
    """
    if decided := sorted(_DECIDED.keys() & more.keys()):
        raise InvalidInput(f"payload has {decided[0]}, which {_DECIDED[decided[0]]} decides: leave it out")
    command = [python_command, "-c", source]
    variables = {f"{function_runner.INPUT}{number}": piece for number, piece in enumerate(given.pieces())}
    if image is None:
        own = generic_worker_payload(
            command,
            max_run_time=max_run_time,
            env={**variables, function_runner.OUTCOME: _OUTCOME_FILE},
            artifacts=[file_artifact(_OUTCOME_FILE, OUTCOME_ARTIFACT, content_type="application/json")],
        )
    else:
        path = f"/tmp/{_OUTCOME_FILE}"  # noqa: S108 (of the container)
        own = docker_worker_payload(
            image,
            command,
            max_run_time=max_run_time,
            env={**variables, function_runner.OUTCOME: path},
            artifacts=[file_artifact(path, OUTCOME_ARTIFACT)],
        )
    joined = {name: _joined(name, more[name], own[name]) for name in ("env", "artifacts") if name in more}
    return {**more, **own, **joined}


def _joined(name: str, more: Any, own: Mapping[str, Any] | Sequence[Any]) -> Any:
    if isinstance(own, Mapping) and isinstance(more, Mapping):
        return {**more, **own}
    if isinstance(own, list) and isinstance(more, list | tuple):
        return [*more, *own]
    raise InvalidInput(f"{name} of the payload is {type(more).__name__}: pass {type(own).__name__}")

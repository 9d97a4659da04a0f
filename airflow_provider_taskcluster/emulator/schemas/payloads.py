"""Payloads of tasks that the command worker runs, in the form of generic-worker on POSIX."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, ValidationError

from airflow_provider_taskcluster.emulator.clock import SECOND, from_json

from .fields import Instant, Request

LONGEST_RUN = 86_400
UNKNOWN = "extra_forbidden"


class MalformedPayloadError(ValueError):
    """A payload that no worker can run; the message has a line for each fault."""


def _is_variable(name: str) -> str:
    if not name or "=" in name:
        raise ValueError("is no name of an environment variable")
    return name


class PayloadArtifact(Request):
    """A file, or a directory with all files in it, that is published after the commands."""

    type: Literal["file", "directory"]
    path: Annotated[str, Field(min_length=1)]
    name: str | None = None
    expires: Instant | None = None
    contentType: str | None = None
    contentEncoding: Literal["identity", "gzip"] | None = None


class OnExitStatus(Request):
    """Exit codes with a meaning: those of ``retry`` start a new run while retries are left."""

    retry: list[Annotated[int, Field(ge=1)]] = []
    purgeCaches: list[Annotated[int, Field(ge=0)]] = []


class LogNames(Request):
    """Names of the log's artifacts, while it grows and after."""

    live: Annotated[str, Field(min_length=1)] = "public/logs/live.log"
    backing: Annotated[str, Field(min_length=1)] = "public/logs/live_backing.log"


class Features(Request):
    """Features of the worker; all but those of the log are ignored."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    liveLog: bool = True
    backingLog: bool = True


class CommandPayload(Request):
    """Commands as lists of arguments, run in order without a shell, and what is done with their results."""

    command: Annotated[list[Annotated[list[str], Field(min_length=1)]], Field(min_length=1)]
    maxRunTime: Annotated[int, Field(ge=1, le=LONGEST_RUN)]
    env: dict[Annotated[str, AfterValidator(_is_variable)], str] = {}
    artifacts: list[PayloadArtifact] = []
    onExitStatus: OnExitStatus = OnExitStatus()
    features: Features = Features()
    logs: LogNames = LogNames()


def read_payload(definition: dict[str, Any]) -> CommandPayload:
    """Return the payload of a task definition.

    :raises MalformedPayloadError: It is no payload of this worker.
    """
    try:
        payload = CommandPayload.model_validate(definition["payload"])
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc']))}: {_fault(e['type'], e['msg'])}" for e in error.errors()]
        raise MalformedPayloadError("\n".join(lines)) from None
    faults = [fault for artifact in payload.artifacts for fault in _wrong_expiry(artifact, definition)]
    if faults:
        raise MalformedPayloadError("\n".join(faults))
    return payload


def _fault(kind: str, message: str) -> str:
    return "this worker has no such field" if kind == UNKNOWN else message


def _wrong_expiry(artifact: PayloadArtifact, definition: dict[str, Any]) -> list[str]:
    """Say what is wrong with the expiry of an artifact; a second of difference is allowed."""
    if artifact.expires is None:
        return []
    expires, deadline, latest = (
        from_json(t) for t in (artifact.expires, definition["deadline"], definition["expires"])
    )
    early = [f"artifact {artifact.path!r} expires before the task's deadline"] * (expires + SECOND < deadline)
    return early + [f"artifact {artifact.path!r} expires after the task"] * (expires > latest + SECOND)

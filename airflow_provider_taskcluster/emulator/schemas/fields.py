"""Field types of request bodies, validated as the published schemas do."""

from __future__ import annotations

import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from airflow_provider_taskcluster.emulator.clock import from_json

SLUGID = r"^[A-Za-z0-9_-]{8}[Q-T][A-Za-z0-9_-][CGKOSWaeimquy26-][A-Za-z0-9_-]{10}[AQgw]$"
TASK_QUEUE_ID = r"^[a-zA-Z0-9_-]{1,38}/[a-z]([-a-z0-9]{0,36}[a-z0-9])?$"
NAMESPACE = r"([a-zA-Z0-9_!~*'()%-]+\.)*[a-zA-Z0-9_!~*'()%-]+"

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:?\d\d)")
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_WITHOUT_ZONE = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?")


def _is_unique(values: list[Any]) -> list[Any]:
    later: dict[str, int] = {}
    for number, value in reversed(list(enumerate(values))):
        twin = later.setdefault(repr(value), number)
        if twin != number:
            raise ValueError(f"must NOT have duplicate items (items ## {twin} and {number} are identical)")
    return values


Unique = AfterValidator(_is_unique)


class Request(BaseModel):
    """Base of request bodies: strict types, no unknown fields, names in camelCase as in the JSON."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _is_instant(text: str) -> str:
    if not _INSTANT.fullmatch(text):
        raise ValueError('must match format "date-time"')
    from_json(text)
    return text


def _is_loose_instant(text: str) -> str:
    return _is_instant(f"{text}Z" if _WITHOUT_ZONE.fullmatch(text) else text)


def _is_uri(text: str) -> str:
    plain = text.isascii() and text.isprintable() and not any(c in text for c in ' <>"{}|\\^`')
    if not plain or not urlsplit(text).scheme:
        raise ValueError('must match format "uri"')
    return text


def _is_email(text: str) -> str:
    if not _EMAIL.fullmatch(text):
        raise ValueError('must match format "email"')
    return text


Instant = Annotated[str, AfterValidator(_is_instant)]
# Most services take dates without a zone, too; they are UTC then.
LooseInstant = Annotated[str, AfterValidator(_is_loose_instant)]
Email = Annotated[str, AfterValidator(_is_email)]
Uri = Annotated[str, AfterValidator(_is_uri)]
SlugId = Annotated[str, Field(pattern=SLUGID)]
ProjectId = Annotated[str, Field(pattern=r"^([a-zA-Z0-9._/-]*)$", min_length=1, max_length=500)]
Identifier = Annotated[str, Field(pattern=r"^([a-zA-Z0-9_-]*)$", min_length=1, max_length=38)]
TaskQueueId = Annotated[str, Field(pattern=TASK_QUEUE_ID)]
WorkerType = Annotated[str, Field(pattern=r"^[a-z]([-a-z0-9]{0,36}[a-z0-9])?$")]
Scope = Annotated[str, Field(pattern=r"^[ -~]*$")]
ContentType = Annotated[str, Field(max_length=255)]
Length = Annotated[int, Field(ge=0)]

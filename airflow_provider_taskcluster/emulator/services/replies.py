"""Replies of services other than JSON (200) and nothing (204)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Redirect:
    """Redirect (303) to a URL; API clients read the JSON body, if there is one."""

    url: str
    body: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FailedDependency:
    """Response 424 for an error artifact. Its body has no error code."""

    reason: str
    message: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Text:
    """Response 200 whose body is plain text."""

    text: str


Reply = dict[str, Any] | list[Any] | Text | Redirect | FailedDependency | None

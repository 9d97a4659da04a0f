"""What a service answers with, when it is not JSON (200) or nothing (204)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Redirect:
    """303 to a URL; API clients read the JSON body, where there is one."""

    url: str
    body: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FailedDependency:
    """424: the artifact is an error. This body has no error code."""

    reason: str
    message: str
    headers: dict[str, str] = field(default_factory=dict)


Reply = dict[str, Any] | Redirect | FailedDependency | None

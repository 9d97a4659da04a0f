"""Sets of scopes; a scope that ends with ``*`` covers all that begin with the rest."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ANONYMOUS = "assume:anonymous"

_VALID = re.compile(r"[\x20-\x7e]*")


def is_scope(value: object) -> bool:
    """Whether a value is a valid scope: a string of printable ASCII."""
    return isinstance(value, str) and _VALID.fullmatch(value) is not None


def covers(pattern: str, scope: str) -> bool:
    """Whether the scope ``pattern`` includes ``scope``."""
    return pattern == scope or (pattern.endswith("*") and scope.startswith(pattern[:-1]))


def satisfied(held: Iterable[str], scope: str) -> bool:
    """Whether one of the held scopes covers ``scope``."""
    return any(covers(pattern, scope) for pattern in held)


def missing(held: Iterable[str], required: Iterable[str]) -> list[str]:
    """Return the required scopes that no held scope covers."""
    held = list(held)
    return [scope for scope in required if not satisfied(held, scope)]


def reduced(scopes: Iterable[str]) -> list[str]:
    """Return the scopes without those that another one covers, sorted."""
    kept: list[str] = []
    for scope in sorted(set(scopes), key=lambda s: (len(s), s)):
        if not satisfied(kept, scope):
            kept.append(scope)
    return sorted(kept)


def expanded(scopes: Iterable[str], roles: Mapping[str, list[str]]) -> list[str]:
    """Return the scopes with those of every role that they assume, directly or through other roles."""
    result = set(scopes)
    pending = dict(roles)
    while True:
        assumed = [role for role in pending if satisfied(result, f"assume:{role}")]
        if not assumed:
            return reduced(result)
        for role in assumed:
            result.update(pending.pop(role))

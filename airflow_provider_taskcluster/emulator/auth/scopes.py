"""Sets of scopes: a scope that ends with ``*`` stands for all that begin with the rest."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ANONYMOUS = "assume:anonymous"

_VALID = re.compile(r"[\x20-\x7e]*")


def is_scope(value: object) -> bool:
    """Whether a value can be a scope at all: printable ASCII."""
    return isinstance(value, str) and _VALID.fullmatch(value) is not None


def covers(pattern: str, scope: str) -> bool:
    """Whether holding ``pattern`` means holding ``scope``."""
    return pattern == scope or (pattern.endswith("*") and scope.startswith(pattern[:-1]))


def satisfied(held: Iterable[str], scope: str) -> bool:
    """Whether one of the scopes held covers ``scope``."""
    return any(covers(pattern, scope) for pattern in held)


def missing(held: Iterable[str], required: Iterable[str]) -> list[str]:
    """Those of the required scopes that nothing held covers."""
    held = list(held)
    return [scope for scope in required if not satisfied(held, scope)]


def reduced(scopes: Iterable[str]) -> list[str]:
    """The same set without what another member covers, sorted."""
    kept: list[str] = []
    for scope in sorted(set(scopes), key=lambda s: (len(s), s)):
        if not satisfied(kept, scope):
            kept.append(scope)
    return sorted(kept)


def expanded(scopes: Iterable[str], roles: Mapping[str, list[str]]) -> list[str]:
    """The set with the scopes of every role that it may assume, and of the roles those may assume in turn."""
    result = set(scopes)
    pending = dict(roles)
    while True:
        assumed = [role for role in pending if satisfied(result, f"assume:{role}")]
        if not assumed:
            return reduced(result)
        for role in assumed:
            result.update(pending.pop(role))

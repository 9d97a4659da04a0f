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


class EndlessRolesError(ValueError):
    """Roles with parameters assume each other without end."""


def expanded(scopes: Iterable[str], roles: Mapping[str, list[str]]) -> list[str]:
    """Return the scopes with those of every role that they assume, directly or through other roles.

    A role whose id ends with ``*`` is assumed with anything in place of the star, and that replaces ``<..>`` in its
    scopes.

    :raises EndlessRolesError: There would be ever more scopes.
    """
    result = set(scopes)
    latest = result
    for _ in range(len(roles) + 2):  # a longer chain of roles has one of them twice
        latest = {new for scope in latest for role_id in roles for new in _granted(scope, role_id, roles)} - result
        if not latest:
            return reduced(result)
        result |= latest
    raise EndlessRolesError("the expansion of these roles does not end")


def _granted(scope: str, role_id: str, roles: Mapping[str, list[str]]) -> list[str]:
    """Return the scopes that one scope gets from a role."""
    role = f"assume:{role_id}"
    prefix = role.removesuffix("*")
    if prefix != role and scope.startswith(prefix):
        parameter = scope[len(prefix) :]
    elif covers(scope, role):
        parameter = "*"
    else:
        return []
    return roles[role_id] if prefix == role else [_filled(granted, parameter) for granted in roles[role_id]]


def _filled(scope: str, parameter: str) -> str:
    """Put the parameter of a role into one of its scopes; nothing can follow a star."""
    before, found, after = scope.partition("<..>")
    if not found:
        return scope
    return before + parameter + ("" if parameter.endswith("*") else after)

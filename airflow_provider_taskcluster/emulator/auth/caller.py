"""The authenticated caller of an API call, and the check of its scopes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.emulator.errors import InsufficientScopes

from .scopes import missing, satisfied

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Caller:
    """A caller with its scopes, roles expanded. ``client_id`` is None for the anonymous caller."""

    client_id: str | None
    scopes: list[str]

    def holds(self, *required: str) -> bool:
        """Whether all of the scopes are held."""
        return not missing(self.scopes, required)

    def require(self, *required: str) -> None:
        """Raise InsufficientScopes unless the caller has all of the scopes."""
        if lacking := missing(self.scopes, required):
            raise InsufficientScopes(self._refusal(_expression("AllOf", lacking), _expression("AllOf", required)))

    def require_any(self, *alternatives: str) -> None:
        """Raise InsufficientScopes unless the caller has one of the scopes."""
        if not any(satisfied(self.scopes, scope) for scope in alternatives):
            expression = _expression("AnyOf", alternatives)
            raise InsufficientScopes(self._refusal(expression, expression))

    def _refusal(self, lacking: str, expression: str) -> str:
        if self.client_id is None:
            wanted = "This request requires Taskcluster credentials that satisfy the following scope expression:"
            return "\n".join([wanted, *("", "```", expression, "```")])
        return "\n".join(
            [
                f"Client ID {self.client_id} does not have sufficient scopes and is missing the following scopes:",
                *("", "```", lacking, "```", ""),
                "This request requires the client to satisfy the following scope expression:",
                *("", "```", expression, "```"),
            ]
        )


def _expression(kind: str, scopes: Sequence[str]) -> str:
    """Write a scope expression: one scope as it is, several as JSON."""
    return scopes[0] if len(scopes) == 1 else json.dumps({kind: list(scopes)}, indent=2)

"""The authenticated caller of an API call, and the check of its scopes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.emulator.errors import InsufficientScopes

from .scopes import satisfied

if TYPE_CHECKING:
    from collections.abc import Sequence

# A scope, or ``{"AllOf": [...]}`` or ``{"AnyOf": [...]}`` of expressions.
Expression = str | dict[str, list["Expression"]]


@dataclass(frozen=True)
class Caller:
    """A caller with its scopes, roles expanded. ``client_id`` is None for the anonymous caller."""

    client_id: str | None
    scopes: list[str]

    def require(self, *required: Expression) -> None:
        """Raise InsufficientScopes unless the caller has all of the scopes."""
        lacking = self._lacking({"AllOf": [*required]})
        if lacking is not None:
            raise InsufficientScopes(self._refusal(_written(lacking), _written(_simplified("AllOf", required))))

    def require_any(self, *alternatives: Expression) -> None:
        """Raise InsufficientScopes unless the caller has one of the scopes."""
        self.require({"AnyOf": [*alternatives]})

    def _lacking(self, expression: Expression) -> Expression | None:
        """Return what is left of an expression without the scopes that are held; None if nothing is."""
        if isinstance(expression, str):
            return None if satisfied(self.scopes, expression) else expression
        [(kind, parts)] = expression.items()
        lacking = [left for part in parts if (left := self._lacking(part)) is not None]
        is_met = not lacking if kind == "AllOf" else len(lacking) < len(parts)
        return None if is_met else _simplified(kind, lacking)

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


def _simplified(kind: str, parts: Sequence[Expression]) -> Expression:
    return parts[0] if len(parts) == 1 else {kind: [*parts]}


def _written(expression: Expression) -> str:
    """Write a scope expression: one scope as it is, several as JSON."""
    return expression if isinstance(expression, str) else json.dumps(expression, indent=2)

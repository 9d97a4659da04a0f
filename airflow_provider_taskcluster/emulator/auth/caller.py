"""Who calls, once that is known, and which scopes they hold."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_taskcluster.emulator.errors import InsufficientScopes

from .scopes import missing, satisfied


@dataclass(frozen=True)
class Caller:
    """A caller with all the scopes held, roles expanded. ``client_id`` is None for the anonymous one."""

    client_id: str | None
    scopes: list[str]

    def require(self, *required: str) -> None:
        """Raise InsufficientScopes unless all of the scopes are held."""
        if lacking := missing(self.scopes, required):
            raise InsufficientScopes(self._refusal(lacking, list(required)))

    def require_any(self, *alternatives: str) -> None:
        """Raise InsufficientScopes unless one of the scopes is held."""
        if not any(satisfied(self.scopes, scope) for scope in alternatives):
            raise InsufficientScopes(self._refusal(list(alternatives), list(alternatives)))

    def _refusal(self, lacking: list[str], required: list[str]) -> str:
        who = f"Client ID {self.client_id}" if self.client_id else "Anonymous client"
        return "\n".join(
            [
                f"{who} does not have sufficient scopes and is missing the following scopes:",
                *("", "```", *lacking, "```", ""),
                "This request requires the client to satisfy the following scope expression:",
                *("", "```", *required, "```"),
            ]
        )

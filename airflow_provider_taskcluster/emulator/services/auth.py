"""The auth service: the scopes of the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_taskcluster.emulator.auth.caller import Caller


class AuthService:
    """The auth service; clients and roles are created in Python (:class:`..auth.accounts.Accounts`)."""

    def current_scopes(self, caller: Caller) -> dict[str, Any]:
        """Return all scopes of the caller, roles expanded."""
        return {"scopes": caller.scopes}

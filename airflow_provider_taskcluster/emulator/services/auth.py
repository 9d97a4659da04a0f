"""What is asked of the auth service: which scopes the caller holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_taskcluster.emulator.auth.caller import Caller


class AuthService:
    """The auth service; accounts themselves are made in Python (:class:`..auth.accounts.Accounts`)."""

    def current_scopes(self, caller: Caller) -> dict[str, Any]:
        """All scopes of the caller, roles expanded."""
        return {"scopes": caller.scopes}

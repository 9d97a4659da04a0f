"""Calls of the auth service about the caller's own credentials (``auth/v1/api.json``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_taskcluster.services.schemas import SCOPES
from airflow_provider_taskcluster.services.service_calls import ServiceCalls

if TYPE_CHECKING:
    from airflow_provider_taskcluster.services.schemas import Json


class Auth(ServiceCalls):
    """Calls of the auth service through one client."""

    async def current_scopes(self) -> list[str]:
        """Return the scopes of the credentials, with roles expanded. Scope ``auth:current-scopes``."""
        response: Json = await self.client.call("auth", "currentScopes", read=SCOPES)
        return list(response["scopes"])

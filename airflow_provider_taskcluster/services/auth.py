"""The calls of the auth service that tell who one is (``auth/v1/api.json``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.services.schemas import SCOPES

if TYPE_CHECKING:
    from airflow_provider_taskcluster.services.client import Client
    from airflow_provider_taskcluster.services.schemas import Json


@dataclass(frozen=True)
class Auth:
    """Calls of the auth service through one client."""

    client: Client

    async def current_scopes(self) -> list[str]:
        """Scopes that the credentials hold, roles expanded. Scope ``auth:current-scopes``."""
        answer: Json = await self.client.call("auth", "currentScopes", read=SCOPES)
        return list(answer["scopes"])

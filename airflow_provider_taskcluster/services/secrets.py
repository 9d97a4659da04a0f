"""Calls of the secrets service (``secrets/v1/api.json``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_taskcluster.services.schemas import STORED_SECRET
from airflow_provider_taskcluster.services.service_calls import ServiceCalls

if TYPE_CHECKING:
    from airflow_provider_taskcluster.services.schemas import StoredSecret


class Secrets(ServiceCalls):
    """Calls of the secrets service through one client."""

    async def get(self, name: str) -> StoredSecret:
        """Return a secret and when it expires. Scope ``secrets:get:<name>``.

        :raises NotFound: It is missing, or has lapsed.
        :raises InsufficientScopes: The scope is missing; the service says so whether the secret exists or not.
        """
        response: StoredSecret = await self.client.call("secrets", "get", name, read=STORED_SECRET)
        return response

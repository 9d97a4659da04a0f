"""The secrets service: JSON objects by name, each until it expires."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.emulator.clock import from_json, to_json
from airflow_provider_taskcluster.emulator.database import pack, unpack
from airflow_provider_taskcluster.emulator.errors import ResourceNotFound

from .definition import as_doubles
from .paging import offset_page

if TYPE_CHECKING:
    from airflow_provider_taskcluster.emulator.auth.caller import Caller
    from airflow_provider_taskcluster.emulator.context import Context
    from airflow_provider_taskcluster.emulator.database import Row
    from airflow_provider_taskcluster.emulator.schemas.secrets import SetSecret


class SecretService:
    """Secrets by name. An expired one is missing (404), although the API reference says 410."""

    def __init__(self, context: Context) -> None:
        self._database = context.database
        self._clock = context.clock

    def set(self, _: Caller, name: str, request: SetSecret) -> dict[str, Any]:
        """Store or replace a secret, which may have expired already."""
        self._database.execute(
            "INSERT OR REPLACE INTO stored_secrets VALUES (?, ?, ?)",
            *(name, pack(as_doubles(request.secret)), from_json(request.expires)),
        )
        return {}

    def remove(self, _: Caller, name: str) -> dict[str, Any]:
        """Remove a secret, if there is one."""
        self._database.execute("DELETE FROM stored_secrets WHERE name = ?", name)
        return {}

    def get(self, _: Caller, name: str) -> dict[str, Any]:
        """Return a secret and when it expires."""
        row = self._database.one("SELECT * FROM stored_secrets WHERE name = ? AND expires > ?", name, self._clock.now())
        if row is None:
            raise ResourceNotFound("Secret not found")
        return {"secret": unpack(row["secret"]), "expires": to_json(row["expires"])}

    def list_names(self, _: Caller, continuation_token: str | None = None, limit: int | None = None) -> dict[str, Any]:
        """List the names of all secrets, in pages by offset."""

        def fetch(offset: int, count: int) -> list[Row]:
            sql = "SELECT name FROM stored_secrets WHERE expires > ? ORDER BY name LIMIT ? OFFSET ?"
            return self._database.all(sql, self._clock.now(), count, offset)

        rows, token = offset_page(fetch, token=continuation_token, limit=limit)
        return {"secrets": [row["name"] for row in rows], **({"continuationToken": token} if token else {})}

"""Clients and roles, and their scopes."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.emulator.database import pack, unpack
from airflow_provider_taskcluster.emulator.errors import AuthenticationFailed

from .certificates import issue
from .scopes import ANONYMOUS, expanded

if TYPE_CHECKING:
    from airflow_provider_taskcluster.emulator.clock import Clock
    from airflow_provider_taskcluster.emulator.database import Database

ROOT_CLIENT = "emulator/root"
SERVICES_CLIENT = "static/taskcluster/queue"
# The least that deployments grant to everybody.
ANONYMOUS_SCOPES = ("queue:get-artifact:public/*", "queue:list-artifacts:*")


@dataclass(frozen=True)
class Account:
    """A client as stored, before roles expand its scopes."""

    client_id: str
    access_token: str
    scopes: list[str]


class Accounts:
    """Clients and roles, including a root client with the scope ``*`` and one that the services use."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        with database.transaction():
            for client_id in (ROOT_CLIENT, SERVICES_CLIENT):
                database.execute("INSERT OR IGNORE INTO clients VALUES (?, ?, ?)", client_id, _token(), pack(["*"]))
            database.execute("INSERT OR IGNORE INTO roles VALUES (?, ?)", "anonymous", pack(list(ANONYMOUS_SCOPES)))

    def add_client(self, client_id: str, scopes: list[str], access_token: str | None = None) -> str:
        """Create or replace a client and return its access token."""
        token = access_token or _token()
        self._database.execute("INSERT OR REPLACE INTO clients VALUES (?, ?, ?)", client_id, token, pack(scopes))
        return token

    def set_role(self, role_id: str, scopes: list[str]) -> None:
        """Create or replace a role, which ``assume:<role_id>`` expands to."""
        self._database.execute("INSERT OR REPLACE INTO roles VALUES (?, ?)", role_id, pack(scopes))

    def role(self, role_id: str) -> list[str]:
        """Return the scopes of a role; none if there is no such role."""
        row = self._database.one("SELECT scopes FROM roles WHERE role_id = ?", role_id)
        return unpack(row["scopes"]) if row else []

    def get(self, client_id: str) -> Account:
        """Return a client by its id, or raise AuthenticationFailed."""
        row = self._database.one("SELECT * FROM clients WHERE client_id = ?", client_id)
        if row is None:
            raise AuthenticationFailed(f"Unauthorized: client ID {client_id} not found")
        return Account(row["client_id"], row["access_token"], unpack(row["scopes"]))

    def expand(self, scopes: list[str]) -> list[str]:
        """Expand scopes by all roles they assume, including the anonymous role that everybody has."""
        rows = self._database.all("SELECT * FROM roles")
        return expanded([*scopes, ANONYMOUS], {row["role_id"]: unpack(row["scopes"]) for row in rows})

    def temporary(self, client_id: str, scopes: list[str], *, expiry: int) -> dict[str, str]:
        """Issue temporary credentials of the services, valid from now until ``expiry``."""
        services = self.get(SERVICES_CLIENT)
        issuer = (services.client_id, services.access_token)
        return issue(client_id, issuer, scopes, start=self._clock.now(), expiry=expiry)


def _token() -> str:
    return secrets.token_urlsafe(32)

"""Clients and roles, and their scopes."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.emulator.clock import from_json, to_json
from airflow_provider_taskcluster.emulator.database import pack, unpack
from airflow_provider_taskcluster.emulator.errors import AuthenticationFailed

from .certificates import issue
from .scopes import ANONYMOUS, expanded

if TYPE_CHECKING:
    from airflow_provider_taskcluster.emulator.clock import Clock
    from airflow_provider_taskcluster.emulator.database import Database, Row

ROOT_CLIENT = "emulator/root"
SERVICES_CLIENT = "static/taskcluster/queue"
# The least that deployments grant to everybody.
ANONYMOUS_SCOPES = ("queue:get-artifact:public/*", "queue:list-artifacts:*")
NEVER = "3000-01-01T00:00:00.000Z"


@dataclass(frozen=True)
class Account:
    """A client as stored, before roles expand its scopes; ``details`` are the other fields that the API returns."""

    client_id: str
    access_token: str = field(repr=False)
    scopes: list[str]
    details: dict[str, Any]


@dataclass(frozen=True)
class Role:
    """A role as stored; ``details`` are the other fields that the API returns."""

    role_id: str
    scopes: list[str]
    details: dict[str, Any]


class Accounts:
    """Clients and roles, including a root client with the scope ``*`` and one that the services use."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        with database.transaction():
            for client_id in (ROOT_CLIENT, SERVICES_CLIENT):
                if self.find(client_id) is None:
                    self.add_client(client_id, ["*"])
            if self.find_role("anonymous") is None:
                self.set_role("anonymous", list(ANONYMOUS_SCOPES))

    def add_client(self, client_id: str, scopes: list[str], access_token: str | None = None) -> str:
        """Create or replace a client and return its access token."""
        token = access_token or new_token()
        self.save(Account(client_id, token, scopes, self.new_details()))
        return token

    def new_details(self) -> dict[str, Any]:
        """Return the details of a new client that does not expire."""
        now = to_json(self._clock.now())
        return {
            "description": "",
            "expires": NEVER,
            "deleteOnExpiration": False,
            "disabled": False,
            **dict.fromkeys(("created", "lastModified", "lastDateUsed", "lastRotated"), now),
        }

    def save(self, account: Account) -> None:
        """Store a client, in place of one with the same id."""
        self._database.execute(
            "INSERT OR REPLACE INTO clients (client_id, access_token, scopes, details) VALUES (?, ?, ?, ?)",
            *(account.client_id, account.access_token, pack(account.scopes), pack(account.details)),
        )

    def remove(self, client_id: str) -> None:
        """Remove a client, if there is one."""
        self._database.execute("DELETE FROM clients WHERE client_id = ?", client_id)

    def find(self, client_id: str) -> Account | None:
        """Return a client by its id, or None."""
        row = self._database.one("SELECT * FROM clients WHERE client_id = ?", client_id)
        return self._account(row) if row else None

    def get(self, client_id: str) -> Account:
        """Return a client that may make calls, or raise AuthenticationFailed."""
        account = self.find(client_id)
        now = self._clock.now()
        if account is None or account.details["disabled"] or from_json(account.details["expires"]) <= now:
            raise AuthenticationFailed(f"Unauthorized: client ID {client_id} not found")
        return account

    def beginning_with(self, prefix: str, offset: int, count: int) -> list[Account]:
        """Return some of the clients whose id begins with a prefix, sorted."""
        sql = "SELECT * FROM clients WHERE substr(client_id, 1, ?) = ? ORDER BY client_id LIMIT ? OFFSET ?"
        return [self._account(row) for row in self._database.all(sql, len(prefix), prefix, count, offset)]

    def set_role(self, role_id: str, scopes: list[str], details: dict[str, Any] | None = None) -> None:
        """Create or replace a role, which ``assume:<role_id>`` expands to."""
        now = to_json(self._clock.now())
        self._database.execute(
            "INSERT OR REPLACE INTO roles (role_id, scopes, details) VALUES (?, ?, ?)",
            *(role_id, pack(scopes), pack({"description": "", "created": now, "lastModified": now, **(details or {})})),
        )

    def remove_role(self, role_id: str) -> None:
        """Remove a role, if there is one."""
        self._database.execute("DELETE FROM roles WHERE role_id = ?", role_id)

    def find_role(self, role_id: str) -> Role | None:
        """Return a role by its id, or None."""
        return next((role for role in self.roles() if role.role_id == role_id), None)

    def roles(self) -> list[Role]:
        """Return all roles, sorted."""
        now = to_json(self._clock.now())
        missing = {"description": "", "created": now, "lastModified": now}
        rows = self._database.all("SELECT * FROM roles ORDER BY role_id")
        return [Role(row["role_id"], unpack(row["scopes"]), {**missing, **unpack(row["details"])}) for row in rows]

    def role(self, role_id: str) -> list[str]:
        """Return the scopes of a role; none if there is no such role."""
        role = self.find_role(role_id)
        return role.scopes if role else []

    def resolve(self, scopes: list[str]) -> list[str]:
        """Expand scopes by all roles they assume."""
        rows = self._database.all("SELECT role_id, scopes FROM roles")
        return expanded(scopes, {row["role_id"]: unpack(row["scopes"]) for row in rows})

    def expand(self, scopes: list[str]) -> list[str]:
        """Expand the scopes of a caller, including those of the anonymous role, which everybody has."""
        return self.resolve([*scopes, ANONYMOUS])

    def temporary(self, client_id: str, scopes: list[str], *, expiry: int) -> dict[str, str]:
        """Issue temporary credentials of the services, valid from now until ``expiry``."""
        services = self.get(SERVICES_CLIENT)
        issuer = (services.client_id, services.access_token)
        return issue(client_id, issuer, scopes, start=self._clock.now(), expiry=expiry)

    def _account(self, row: Row) -> Account:
        details = {**self.new_details(), **unpack(row["details"])}
        return Account(row["client_id"], row["access_token"], unpack(row["scopes"]), details)


def new_token() -> str:
    """Return a new random access token."""
    return secrets.token_urlsafe(32)

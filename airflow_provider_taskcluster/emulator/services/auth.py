"""The auth service: clients, and the expansion of scopes."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.emulator.auth.accounts import Account, new_token
from airflow_provider_taskcluster.emulator.clock import MINUTE, from_json, to_json
from airflow_provider_taskcluster.emulator.errors import InputError, RequestConflict, ResourceNotFound

from .paging import offset_page
from .replies import Text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_taskcluster.emulator.auth.caller import Caller
    from airflow_provider_taskcluster.emulator.context import Context
    from airflow_provider_taskcluster.emulator.schemas.auth import CreateClient, ScopeSet

# For so long createClient may be repeated.
REPEATABLE = 15 * MINUTE


class AuthService:
    """Clients, which may only get scopes that the caller has."""

    def __init__(self, context: Context) -> None:
        self._clock = context.clock
        self._accounts = context.accounts

    def current_scopes(self, caller: Caller) -> dict[str, Any]:
        """Return all scopes of the caller, roles expanded."""
        return {"scopes": caller.scopes}

    def expand_scopes(self, _: Caller, request: ScopeSet) -> dict[str, Any]:
        """Return scopes with those of the roles that they assume."""
        return {"scopes": self._accounts.resolve(request.scopes)}

    def list_clients(
        self, _: Caller, prefix: str = "", continuation_token: str | None = None, limit: int | None = None
    ) -> dict[str, Any]:
        """List the clients whose id begins with a prefix, in pages by offset."""

        def fetch(offset: int, count: int) -> list[Account]:
            return self._accounts.beginning_with(prefix, offset, count)

        accounts, token = offset_page(fetch, token=continuation_token, limit=limit)
        clients = [self._described(account) for account in accounts]
        return {"clients": clients, **({"continuationToken": token} if token else {})}

    def client(self, _: Caller, client_id: str) -> dict[str, Any]:
        """Return a client."""
        return self._described(self._load(client_id))

    def create_client(self, caller: Caller, client_id: str, request: CreateClient) -> dict[str, Any]:
        """Create a client, and return its access token; within 15 minutes a repetition returns it again."""
        scopes = request.scopes or []
        _check_changeable(client_id)
        check_scopes(scopes)
        caller.require(f"auth:create-client:{client_id}", *scopes)
        account = self._accounts.find(client_id)
        if account is None:
            details = {**self._accounts.new_details(), **_changed(request)}
            account = Account(client_id, new_token(), scopes, details)
            self._accounts.save(account)
        elif not self._is_repetition(account, request):
            raise RequestConflict(
                "client with same clientId already exists, possibly an issue with retry logic or idempotency"
            )
        return {**self._described(account), "accessToken": account.access_token}

    def update_client(self, caller: Caller, client_id: str, request: CreateClient) -> dict[str, Any]:
        """Change a client; the caller needs the scopes that are added."""
        _check_changeable(client_id)
        check_scopes(request.scopes or [])
        account = self._load(client_id)
        scopes = account.scopes if request.scopes is None else request.scopes
        caller.require(f"auth:update-client:{client_id}", *(scope for scope in scopes if scope not in account.scopes))
        details = {**_changed(request), "lastModified": to_json(self._clock.now())}
        return self._described(self._change(account, scopes=scopes, details={**account.details, **details}))

    def reset_access_token(self, _: Caller, client_id: str) -> dict[str, Any]:
        """Replace the access token of a client, and return the new one."""
        _check_changeable(client_id)
        account = self._load(client_id)
        details = {**account.details, "lastRotated": to_json(self._clock.now())}
        account = self._change(account, access_token=new_token(), details=details)
        return {**self._described(account), "accessToken": account.access_token}

    def enable_client(self, _: Caller, client_id: str) -> dict[str, Any]:
        """Let a client make calls again."""
        return self._set_disabled(client_id, disabled=False)

    def disable_client(self, _: Caller, client_id: str) -> dict[str, Any]:
        """Let a client, and temporary credentials that it issued, make no more calls."""
        return self._set_disabled(client_id, disabled=True)

    def delete_client(self, _: Caller, client_id: str) -> Text:
        """Remove a client, if there is one."""
        _check_changeable(client_id)
        self._accounts.remove(client_id)
        return Text("")

    def _set_disabled(self, client_id: str, *, disabled: bool) -> dict[str, Any]:
        _check_changeable(client_id)
        account = self._load(client_id)
        return self._described(self._change(account, details={**account.details, "disabled": disabled}))

    def _is_repetition(self, account: Account, request: CreateClient) -> bool:
        former = account.details
        return (
            (former["description"], from_json(former["expires"])) == (request.description, from_json(request.expires))
            and account.scopes == (request.scopes or [])
            and not former["disabled"]
            and from_json(former["created"]) >= self._clock.now() - REPEATABLE
        )

    def _change(self, account: Account, **changed: Any) -> Account:
        account = dataclasses.replace(account, **changed)
        self._accounts.save(account)
        return account

    def _load(self, client_id: str) -> Account:
        account = self._accounts.find(client_id)
        if account is None:
            raise ResourceNotFound("Client not found")
        return account

    def _described(self, account: Account) -> dict[str, Any]:
        expanded = self._accounts.resolve(account.scopes)
        return {
            "clientId": account.client_id,
            **account.details,
            "scopes": account.scopes,
            "expandedScopes": expanded,
        }


def check_scopes(scopes: Iterable[str]) -> None:
    """Raise InputError for scopes that end with two stars."""
    if any(scope.endswith("**") for scope in scopes):
        raise InputError("scopes must not end with `**`")


def _changed(request: CreateClient) -> dict[str, Any]:
    return {
        "description": request.description,
        "expires": to_json(from_json(request.expires)),
        "deleteOnExpiration": request.deleteOnExpiration,
    }


def _check_changeable(client_id: str) -> None:
    if client_id.startswith("static/"):
        raise InputError(
            f'clientId "{client_id}" starts with "static/" which is reserved for statically configured clients. '
            "Contact your administrator to change static clients."
        )

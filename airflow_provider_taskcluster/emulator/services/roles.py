"""The roles of the auth service: sets of scopes that ``assume:<roleId>`` expands to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.emulator.auth.scopes import EndlessRolesError, expanded, missing
from airflow_provider_taskcluster.emulator.clock import to_json
from airflow_provider_taskcluster.emulator.errors import InputError, RequestConflict, ResourceNotFound

from .auth import check_scopes
from .paging import offset_page
from .replies import Text

if TYPE_CHECKING:
    from airflow_provider_taskcluster.emulator.auth.accounts import Role
    from airflow_provider_taskcluster.emulator.auth.caller import Caller
    from airflow_provider_taskcluster.emulator.context import Context
    from airflow_provider_taskcluster.emulator.schemas.auth import CreateRole


class RoleService:
    """Roles, which may only get scopes that the caller has. A change counts in all services at once."""

    def __init__(self, context: Context) -> None:
        self._clock = context.clock
        self._accounts = context.accounts

    def list_roles(self, _: Caller) -> list[Any]:
        """List all roles."""
        return [self._described(role) for role in self._accounts.roles()]

    def list_roles2(self, _: Caller, continuation_token: str | None = None, limit: int | None = None) -> dict[str, Any]:
        """List roles in pages by offset."""
        roles, token = self._page(continuation_token, limit)
        return {"roles": [self._described(role) for role in roles], **token}

    def list_role_ids(
        self, _: Caller, continuation_token: str | None = None, limit: int | None = None
    ) -> dict[str, Any]:
        """List the ids of roles in pages by offset."""
        roles, token = self._page(continuation_token, limit)
        return {"roleIds": [role.role_id for role in roles], **token}

    def role(self, _: Caller, role_id: str) -> dict[str, Any]:
        """Return a role."""
        role = self._accounts.find_role(role_id)
        if role is None:
            raise ResourceNotFound("Role not found")
        return self._described(role)

    def create_role(self, caller: Caller, role_id: str, request: CreateRole) -> dict[str, Any]:
        """Create a role; a repetition changes nothing."""
        check_scopes(request.scopes)
        caller.require(f"auth:create-role:{role_id}", *request.scopes)
        scopes = sorted(request.scopes)
        former = self._accounts.find_role(role_id)
        if former is None:
            self._check_end(role_id, scopes)
            self._accounts.set_role(role_id, scopes, {"description": request.description})
        elif (former.scopes, former.details["description"]) != (scopes, request.description):
            raise RequestConflict(f"Role with roleId '{role_id}' already exists")
        return self.role(caller, role_id)

    def update_role(self, caller: Caller, role_id: str, request: CreateRole) -> dict[str, Any]:
        """Change a role; the caller needs the scopes that the role did not have."""
        check_scopes(request.scopes)
        former = self._accounts.find_role(role_id)
        if former is None:
            raise ResourceNotFound(f"Role with roleId '{role_id}' not found")
        added = missing(self._accounts.resolve(former.scopes), request.scopes)
        caller.require(f"auth:update-role:{role_id}", *added)
        self._check_end(role_id, request.scopes)
        changed = {"description": request.description, "lastModified": to_json(self._clock.now())}
        self._accounts.set_role(role_id, request.scopes, {**former.details, **changed})
        return self.role(caller, role_id)

    def delete_role(self, _: Caller, role_id: str) -> Text:
        """Remove a role, if there is one."""
        self._accounts.remove_role(role_id)
        return Text("")

    def _check_end(self, role_id: str, scopes: list[str]) -> None:
        """Raise InputError for a role that makes the expansion of some scope endless."""
        roles = {role.role_id: role.scopes for role in self._accounts.roles()} | {role_id: scopes}
        try:
            expanded([f"assume:{name.removesuffix('*')}x" for name in roles if name.endswith("*")], roles)
        except EndlessRolesError:
            raise InputError(f"Found cycle in roles: `{role_id}` assumes itself with a longer parameter") from None

    def _page(self, continuation_token: str | None, limit: int | None) -> tuple[list[Role], dict[str, str]]:
        roles = self._accounts.roles()

        def fetch(offset: int, count: int) -> list[Role]:
            return roles[offset : offset + count]

        found, token = offset_page(fetch, token=continuation_token, limit=limit)
        return found, {"continuationToken": token} if token else {}

    def _described(self, role: Role) -> dict[str, Any]:
        expansion = self._accounts.resolve([f"assume:{role.role_id}"])
        return {"roleId": role.role_id, **role.details, "scopes": role.scopes, "expandedScopes": expansion}

"""The hooks service: hooks, their tokens and their triggers."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.emulator.database import pack, unpack
from airflow_provider_taskcluster.emulator.errors import (
    AuthenticationFailed,
    InputError,
    RequestConflict,
    ResourceNotFound,
)

from .artifacts import slugid
from .definition import as_doubles, check_storable
from .trigger_schema import check_payload, check_schema

if TYPE_CHECKING:
    from airflow_provider_taskcluster.emulator.auth.caller import Caller
    from airflow_provider_taskcluster.emulator.context import Context
    from airflow_provider_taskcluster.emulator.database import Row
    from airflow_provider_taskcluster.emulator.schemas.hooks import CreateHook, TriggerPayload

    from .firing import FiringService

OWN = "hook_group_id = ? AND hook_id = ?"


class HookService:
    """Hooks. Their schedules and bindings are kept, but nothing fires by them here."""

    def __init__(self, context: Context, firing: FiringService) -> None:
        self._database = context.database
        self._firing = firing

    def list_groups(self, _: Caller) -> dict[str, Any]:
        """List the groups that have a hook."""
        rows = self._database.all("SELECT DISTINCT hook_group_id FROM hooks ORDER BY hook_group_id")
        return {"groups": [row["hook_group_id"] for row in rows]}

    def list_hooks(self, _: Caller, hook_group_id: str) -> dict[str, Any]:
        """List the hooks of a group."""
        sql = "SELECT definition FROM hooks WHERE hook_group_id = ? ORDER BY hook_id"
        rows = self._database.all(sql, hook_group_id)
        if not rows:
            raise ResourceNotFound("No such group")
        return {"hooks": [unpack(row["definition"]) for row in rows]}

    def hook(self, _: Caller, hook_group_id: str, hook_id: str) -> dict[str, Any]:
        """Return a hook."""
        definition: dict[str, Any] = unpack(self._load(hook_group_id, hook_id)["definition"])
        return definition

    def create_hook(self, _: Caller, hook_group_id: str, hook_id: str, request: CreateHook) -> dict[str, Any]:
        """Create a hook. A repetition must send every field: one without ``bindings`` conflicts with the hook."""
        definition = _definition(hook_group_id, hook_id, request)
        stored = {"bindings": [], **definition}
        with self._database.transaction():
            row = self._find(hook_group_id, hook_id)
            if row is not None and unpack(row["definition"]) != definition:
                raise RequestConflict(f"hook `{hook_group_id}/{hook_id}` already exists.")
            if row is None:
                sql = "INSERT INTO hooks VALUES (?, ?, ?, ?)"
                self._database.execute(sql, hook_group_id, hook_id, pack(stored), slugid())
        return definition

    def update_hook(self, _: Caller, hook_group_id: str, hook_id: str, request: CreateHook) -> dict[str, Any]:
        """Replace a hook; its token stays, and so do the bindings if none are given."""
        definition = _definition(hook_group_id, hook_id, request)
        with self._database.transaction():
            former = unpack(self._load(hook_group_id, hook_id)["definition"])
            definition = {"bindings": former["bindings"], **definition}
            self._database.execute(
                f"UPDATE hooks SET definition = ? WHERE {OWN}",  # noqa: S608 - ours
                *(pack(definition), hook_group_id, hook_id),
            )
        return definition

    def remove_hook(self, _: Caller, hook_group_id: str, hook_id: str) -> dict[str, Any]:
        """Remove a hook, if there is one, and the list of its fires."""
        with self._database.transaction():
            for table in ("hooks", "last_fires"):
                self._database.execute(f"DELETE FROM {table} WHERE {OWN}", hook_group_id, hook_id)  # noqa: S608 - ours
        return {}

    def get_status(self, _: Caller, hook_group_id: str, hook_id: str) -> dict[str, Any]:
        """Describe the last fire of a hook."""
        self._load(hook_group_id, hook_id)
        return {"lastFire": self._firing.last_fire(hook_group_id, hook_id)}

    def get_token(self, _: Caller, hook_group_id: str, hook_id: str) -> dict[str, Any]:
        """Return the token that triggers a hook."""
        return {"token": self._load(hook_group_id, hook_id)["token"]}

    def reset_token(self, _: Caller, hook_group_id: str, hook_id: str) -> dict[str, Any]:
        """Replace the token of a hook."""
        self._load(hook_group_id, hook_id)
        token = slugid()
        self._database.execute(f"UPDATE hooks SET token = ? WHERE {OWN}", token, hook_group_id, hook_id)  # noqa: S608 - ours
        return {"token": token}

    def trigger(self, caller: Caller, hook_group_id: str, hook_id: str, request: TriggerPayload) -> dict[str, Any]:
        """Fire a hook; the template knows who called."""
        known = {} if caller.client_id is None else {"clientId": caller.client_id}
        return self._trigger(self.hook(caller, hook_group_id, hook_id), request, {"firedBy": "triggerHook", **known})

    def trigger_with_token(
        self, caller: Caller, hook_group_id: str, hook_id: str, token: str, request: TriggerPayload
    ) -> dict[str, Any]:
        """Fire a hook for whoever has its token."""
        if not hmac.compare_digest(self._load(hook_group_id, hook_id)["token"].encode(), token.encode()):
            raise AuthenticationFailed("invalid hook token")
        return self._trigger(self.hook(caller, hook_group_id, hook_id), request, {"firedBy": "triggerHookWithToken"})

    def _trigger(self, hook: dict[str, Any], request: TriggerPayload, context: dict[str, Any]) -> dict[str, Any]:
        check_payload(hook["triggerSchema"], request.root)
        return self._firing.fire(hook, {**context, "payload": request.root})

    def _find(self, hook_group_id: str, hook_id: str) -> Row | None:
        return self._database.one(f"SELECT * FROM hooks WHERE {OWN}", hook_group_id, hook_id)  # noqa: S608 - ours

    def _load(self, hook_group_id: str, hook_id: str) -> Row:
        row = self._find(hook_group_id, hook_id)
        if row is None:
            raise ResourceNotFound("No such hook")
        return row


def _definition(hook_group_id: str, hook_id: str, request: CreateHook) -> dict[str, Any]:
    """Return a hook's definition with defaults; without ``bindings`` if none are given."""
    if request.hookGroupId not in {None, hook_group_id}:
        raise InputError("Hook Group Ids do not match")
    if request.hookId not in {None, hook_id}:
        raise InputError("Hook Ids do not match")
    check_schema(request.triggerSchema)
    definition: dict[str, Any] = as_doubles({**request.model_dump(), "hookGroupId": hook_group_id, "hookId": hook_id})
    check_storable(definition)
    if request.bindings is None:
        del definition["bindings"]
    return definition

"""Table of the calls of the services beside queue and object: auth, hooks, secrets and notify."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.emulator.schemas.auth import CreateClient, CreateRole, ScopeSet
from airflow_provider_taskcluster.emulator.schemas.hooks import CreateHook, TriggerPayload
from airflow_provider_taskcluster.emulator.schemas.notify import (
    NotificationAddress,
    PostMatrix,
    PostSlack,
    PublishPulse,
    SendEmail,
)
from airflow_provider_taskcluster.emulator.schemas.secrets import SetSecret, without_secret

from .operation import Operation, declare

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_taskcluster.emulator.services import Services

PAGES = ("continuationToken", "limit")


def side_operations(services: Services) -> list[Operation]:
    """Return the calls of these services, in the order in which their routes are tried."""
    return [*_clients(services), *_roles(services), *_hooks(services), *_secrets(services), *_notify(services)]


def _clients(services: Services) -> list[Operation]:
    op = partial(declare, "auth")
    s = services.auth
    client = "/clients/{clientId}"
    delete = ("auth:delete-client:{clientId}",)
    reset = ("auth:reset-access-token:{clientId}",)
    return [
        *_list("listClients", "/clients", s.list_clients, ("prefix", *PAGES), "auth:list-clients"),
        op("client", f"GET {client}", s.client, scopes=("auth:get-client:{clientId}",)),
        op("createClient", f"PUT {client}", s.create_client, CreateClient),
        op("updateClient", f"POST {client}", s.update_client, CreateClient),
        op("resetAccessToken", f"POST {client}/reset", s.reset_access_token, scopes=reset),
        op("enableClient", f"POST {client}/enable", s.enable_client, scopes=("auth:enable-client:{clientId}",)),
        op("disableClient", f"POST {client}/disable", s.disable_client, scopes=("auth:disable-client:{clientId}",)),
        op("deleteClient", f"DELETE {client}", s.delete_client, scopes=delete),
        op("expandScopes", "POST /scopes/expand", s.expand_scopes, ScopeSet, scopes=("auth:expand-scopes",)),
        op("currentScopes", "GET /scopes/current", s.current_scopes, scopes=("auth:current-scopes",)),
    ]


def _roles(services: Services) -> list[Operation]:
    op = partial(declare, "auth")
    s = services.roles
    role, every = "/roles/{roleId}", "auth:list-roles"
    return [
        *_list("listRoles", "/roles", s.list_roles, (), every),
        *_list("listRoles2", "/roles2", s.list_roles2, PAGES, every),
        *_list("listRoleIds", "/roleids", s.list_role_ids, PAGES, every),
        op("role", f"GET {role}", s.role, scopes=("auth:get-role:{roleId}",)),
        op("createRole", f"PUT {role}", s.create_role, CreateRole),
        op("updateRole", f"POST {role}", s.update_role, CreateRole),
        op("deleteRole", f"DELETE {role}", s.delete_role, scopes=("auth:delete-role:{roleId}",)),
    ]


def _list(name: str, path: str, run: Callable[..., Any], query: tuple[str, ...], scope: str) -> list[Operation]:
    """Return a list of auth under its path with a slash, and without one, as the upstream client asks."""
    return [declare("auth", name, f"GET {path}{end}", run, query=query, scopes=(scope,)) for end in ("", "/")]


def _hooks(services: Services) -> list[Operation]:
    op = partial(declare, "hooks")
    s = services.hooks
    hook, name = "/hooks/{hookGroupId}/{hookId}", "{hookGroupId}/{hookId}"
    change = (f"hooks:modify-hook:{name}", f"assume:hook-id:{name}")
    fires = services.firing.list_last_fires
    return [
        op("listHookGroups", "GET /hooks", s.list_groups, scopes=("hooks:list-hooks:",)),
        op("listHooks", "GET /hooks/{hookGroupId}", s.list_hooks, scopes=("hooks:list-hooks:{hookGroupId}",)),
        op("hook", f"GET {hook}", s.hook, scopes=("hooks:get:{hookGroupId}:{hookId}",)),
        op("getHookStatus", f"GET {hook}/status", s.get_status, scopes=(f"hooks:status:{name}",)),
        op("createHook", f"PUT {hook}", s.create_hook, CreateHook, scopes=change),
        op("updateHook", f"POST {hook}", s.update_hook, CreateHook, scopes=change),
        op("removeHook", f"DELETE {hook}", s.remove_hook, scopes=change[:1]),
        op("triggerHook", f"POST {hook}/trigger", s.trigger, TriggerPayload, scopes=(f"hooks:trigger-hook:{name}",)),
        op("getTriggerToken", f"GET {hook}/token", s.get_token, scopes=(f"hooks:get-trigger-token:{name}",)),
        op("resetTriggerToken", f"POST {hook}/token", s.reset_token, scopes=(f"hooks:reset-trigger-token:{name}",)),
        op("triggerHookWithToken", f"POST {hook}/trigger/{{token}}", s.trigger_with_token, TriggerPayload),
        op("listLastFires", f"GET {hook}/last-fires", fires, query=PAGES, scopes=(f"hooks:list-last-fires:{name}",)),
    ]


def _secrets(services: Services) -> list[Operation]:
    op = partial(declare, "secrets")
    s = services.secrets
    secret, change = "/secret/{name:path}", ("secrets:set:{name}",)
    return [
        op("set", f"PUT {secret}", s.set, SetSecret, scopes=change, echo=without_secret),
        op("remove", f"DELETE {secret}", s.remove, scopes=change),
        op("get", f"GET {secret}", s.get, scopes=("secrets:get:{name}",)),
        op("list", "GET /secrets", s.list_names, query=PAGES, scopes=("secrets:list-secrets",)),
    ]


def _notify(services: Services) -> list[Operation]:
    op = partial(declare, "notify")
    s = services.notify
    manage = ("notify:manage-denylist",)
    return [
        op("email", "POST /email", s.email, SendEmail),
        op("pulse", "POST /pulse", s.pulse, PublishPulse),
        op("matrix", "POST /matrix", s.matrix, PostMatrix),
        op("slack", "POST /slack", s.slack, PostSlack),
        op("addDenylistAddress", "POST /denylist/add", s.add_denylist_address, NotificationAddress, scopes=manage),
        op(
            "deleteDenylistAddress",
            "DELETE /denylist/delete",
            s.delete_denylist_address,
            NotificationAddress,
            scopes=manage,
        ),
        op("listDenylist", "GET /denylist/list", s.list_denylist, query=PAGES, scopes=manage),
    ]

"""Table of the calls of the services beside queue and object: hooks, secrets and notify."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

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
    from airflow_provider_taskcluster.emulator.services import Services

PAGES = ("continuationToken", "limit")


def side_operations(services: Services) -> list[Operation]:
    """Return the calls of these services, in the order in which their routes are tried."""
    return [*_hooks(services), *_secrets(services), *_notify(services)]


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

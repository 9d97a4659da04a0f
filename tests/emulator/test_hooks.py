"""Hooks: their definitions, tokens and scopes."""

from __future__ import annotations

import pytest
from emulator_clients import Clients, fresh, refused

from airflow_provider_taskcluster.emulator import Emulator

METADATA = {"name": "n", "owner": "nobody@example.com", "description": "d"}
DEFINITION = {"metadata": METADATA, "task": {"payload": {}}, "bindings": []}


@pytest.fixture
def group():
    return fresh("group")


def test_a_hook_is_returned_with_its_defaults(root, group):
    created = root.hooks.createHook(group, "h", DEFINITION)
    assert created == root.hooks.hook(group, "h")
    assert created == {
        **DEFINITION,
        "hookGroupId": group,
        "hookId": "h",
        "metadata": {**METADATA, "emailOnError": True},
        "schedule": [],
        "triggerSchema": {"type": "object", "additionalProperties": False},
    }


def test_createhook_repeats_only_with_every_field(root, group):
    for _ in range(2):
        root.hooks.createHook(group, "h", DEFINITION)
    less = {name: value for name, value in DEFINITION.items() if name != "bindings"}
    with refused(409, "RequestConflict") as info:
        root.hooks.createHook(group, "h", less)
    assert f"hook `{group}/h` already exists." in str(info.value)
    assert "bindings" not in root.hooks.createHook(group, "other", less)
    assert root.hooks.hook(group, "other")["bindings"] == []
    with refused(409, "RequestConflict"):
        root.hooks.createHook(group, "other", less)


def test_updatehook_keeps_the_bindings_and_the_token(root, group):
    binding = {"exchange": "exchange/a", "routingKeyPattern": "#"}
    root.hooks.createHook(group, "h", {**DEFINITION, "bindings": [binding]})
    token = root.hooks.getTriggerToken(group, "h")
    updated = root.hooks.updateHook(group, "h", {"metadata": METADATA, "task": {"new": 1}, "schedule": ["0 0 * * * *"]})
    assert updated == root.hooks.hook(group, "h")
    assert (updated["task"], updated["bindings"]) == ({"new": 1}, [binding])
    assert root.hooks.getTriggerToken(group, "h") == token
    with refused(404, "ResourceNotFound"):
        root.hooks.updateHook(group, "missing", DEFINITION)


def test_removehook_repeats(root, group):
    root.hooks.createHook(group, "h", DEFINITION)
    for _ in range(2):
        assert root.hooks.removeHook(group, "h") == {}
    with refused(404, "ResourceNotFound") as info:
        root.hooks.hook(group, "h")
    assert "No such hook" in str(info.value)


def test_groups_and_their_hooks_are_listed(root, group):
    with refused(404, "ResourceNotFound"):
        root.hooks.listHooks(group)
    for hook_id in ("b", "a/c"):
        root.hooks.createHook(group, hook_id, DEFINITION)
    assert group in root.hooks.listHookGroups()["groups"]
    assert [hook["hookId"] for hook in root.hooks.listHooks(group)["hooks"]] == ["a/c", "b"]
    assert root.hooks.hook(group, "a/c")["hookId"] == "a/c"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"hookId": "other"}, "Hook Ids do not match"),
        ({"hookGroupId": "other"}, "Hook Group Ids do not match"),
        ({"triggerSchema": {"type": "strange"}}, "triggerSchema is not a valid JSON schema:"),
    ],
    ids=["hookId", "hookGroupId", "triggerSchema"],
)
def test_a_hook_that_contradicts_itself_is_a_400(root, group, changed, said):
    with refused(400, "InputError") as info:
        root.hooks.createHook(group, "h", {**DEFINITION, **changed})
    assert said in str(info.value)


@pytest.mark.parametrize("wrong", [{"metadata": {**METADATA, "owner": "me"}}, {"task": []}, {"schedule": ["a", "a"]}])
def test_a_hook_that_breaks_its_schema_is_a_400(root, group, wrong):
    with refused(400, "InputValidationError"):
        root.hooks.createHook(group, "h", {**DEFINITION, **wrong})


def test_a_hook_that_a_database_cannot_hold_is_a_500(root, group):
    for text in ("\0", "\ud800"):
        with refused(500, "InternalServerError"):
            root.hooks.createHook(group, "h", {**DEFINITION, "task": {"a": text}})
    with refused(404, "ResourceNotFound"):
        root.hooks.hook(group, "h")


def test_a_token_can_be_reset(root, group):
    root.hooks.createHook(group, "h", DEFINITION)
    token = root.hooks.getTriggerToken(group, "h")["token"]
    assert root.hooks.getTriggerToken(group, "h")["token"] == token
    new = root.hooks.resetTriggerToken(group, "h")["token"]
    assert new != token
    assert root.hooks.getTriggerToken(group, "h")["token"] == new
    for call in (root.hooks.getTriggerToken, root.hooks.resetTriggerToken):
        with refused(404, "ResourceNotFound"):
            call(group, "missing")


def test_each_call_needs_its_scope(holding, group):
    calls = {
        "hooks:list-hooks:": lambda h: h.listHookGroups(),
        f"hooks:list-hooks:{group}": lambda h: h.listHooks(group),
        f"hooks:get:{group}:h": lambda h: h.hook(group, "h"),
        f"hooks:status:{group}/h": lambda h: h.getHookStatus(group, "h"),
        f"hooks:get-trigger-token:{group}/h": lambda h: h.getTriggerToken(group, "h"),
        f"hooks:reset-trigger-token:{group}/h": lambda h: h.resetTriggerToken(group, "h"),
        f"hooks:list-last-fires:{group}/h": lambda h: h.listLastFires(group, "h"),
        f"hooks:modify-hook:{group}/h": lambda h: h.removeHook(group, "h"),
        f"hooks:trigger-hook:{group}/h": lambda h: h.triggerHook(group, "h", {}),
    }
    for scope, call in calls.items():
        with refused(403, "InsufficientScopes") as info:
            call(holding().hooks)
        assert scope in str(info.value)


def test_changing_a_hook_needs_its_role(holding, group):
    for scope in (f"hooks:modify-hook:{group}/h", f"assume:hook-id:{group}/h"):
        for call in ("createHook", "updateHook"):
            with refused(403, "InsufficientScopes"):
                getattr(holding(scope).hooks, call)(group, "h", DEFINITION)
    both = holding(f"hooks:modify-hook:{group}/h", f"assume:hook-id:{group}/h")
    both.hooks.createHook(group, "h", DEFINITION)
    both.hooks.updateHook(group, "h", DEFINITION)


def test_hooks_survive_a_restart(tmp_path):
    for restart in range(2):
        with Emulator(data_dir=tmp_path) as tc:
            root = Clients(tc, {"clientId": tc.client_id, "accessToken": tc.access_token})
            if not restart:
                root.hooks.createHook("g", "h", {**DEFINITION, "triggerSchema": {}, "task": {"$eval": "payload.x"}})
                with refused(400, "InputError"):
                    root.hooks.triggerHook("g", "h", {})
                token = root.hooks.getTriggerToken("g", "h")
            else:
                assert len(root.hooks.listLastFires("g", "h")["lastFires"]) == 1
                assert root.hooks.getTriggerToken("g", "h") == token


def test_ping_needs_no_credentials(anonymous):
    assert anonymous.hooks.ping()["alive"] is True

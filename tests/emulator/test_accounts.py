"""Clients of the auth service."""

from __future__ import annotations

import sqlite3

import pytest
import taskcluster
from emulator_clients import Clients, fresh, in_days, pages, refused

from airflow_provider_taskcluster.emulator import Emulator
from airflow_provider_taskcluster.emulator.server import STATE


@pytest.fixture
def client_id():
    return f"tests/{fresh('client')}"


def request(*scopes, **changed):
    return {"description": "d", "expires": in_days(1), "scopes": list(scopes), **changed}


def acting(root, created):
    return Clients(root.tc, {name: created[name] for name in ("clientId", "accessToken")})


def test_a_client_can_call_with_its_token_and_its_scopes(root, client_id):
    created = root.auth.createClient(client_id, request("queue:status:*"))
    assert created["expandedScopes"] == ["queue:status:*"]
    caller = acting(root, created)
    with refused(404, "ResourceNotFound"):
        caller.queue.status(taskcluster.slugId())
    with refused(403, "InsufficientScopes"):
        caller.queue.task(taskcluster.slugId())


def test_a_client_is_described_without_its_token(root, client_id):
    created = root.auth.createClient(client_id, request("a"))
    token = created.pop("accessToken")
    assert root.auth.client(client_id) == created
    assert token not in str(root.auth.listClients(query={"prefix": client_id}))
    assert (created["disabled"], created["deleteOnExpiration"]) == (False, False)
    with refused(404, "ResourceNotFound"):
        root.auth.client("tests/missing")


def test_createclient_repeats_for_15_minutes(root, client_id):
    same = request("a", "b")
    created = root.auth.createClient(client_id, same)
    assert root.auth.createClient(client_id, same) == created
    for other in ({**same, "scopes": ["a"]}, {**same, "description": "e"}, {**same, "expires": in_days(2)}):
        with refused(409, "RequestConflict"):
            root.auth.createClient(client_id, other)
    with root.tc.clock.advanced(minutes=16), refused(409, "RequestConflict"):
        root.auth.createClient(client_id, same)


def test_a_caller_gives_only_scopes_that_it_has(root, holding, client_id):
    giver = holding("auth:create-client:tests/*", "auth:update-client:tests/*", "a:*")
    giver.auth.createClient(client_id, request("a:b"))
    with refused(403, "InsufficientScopes") as info:
        giver.auth.createClient(f"{client_id}/more", request("a:b", "c"))
    assert "c" in info.value.body["message"].split("```")[1].split()
    root.auth.updateClient(client_id, request("a:b", "c"))
    giver.auth.updateClient(client_id, request("a:d", "c"))
    with refused(403, "InsufficientScopes"):
        giver.auth.updateClient(client_id, request("a:d", "c", "e"))
    with refused(403, "InsufficientScopes"):
        giver.auth.createClient("elsewhere", request("a:b"))


def test_updateclient_leaves_the_token_and_without_scopes_the_scopes(root, client_id):
    created = root.auth.createClient(client_id, request("auth:current-scopes"))
    update = request(description="new")
    del update["scopes"]
    assert root.auth.updateClient(client_id, update)["description"] == "new"
    assert "auth:current-scopes" in acting(root, created).auth.currentScopes()["scopes"]
    assert root.auth.updateClient(client_id, request())["scopes"] == []
    with refused(403, "InsufficientScopes"):
        acting(root, created).auth.currentScopes()
    with refused(404, "ResourceNotFound"):
        root.auth.updateClient("tests/missing", update)


def test_a_reset_token_replaces_the_former(root, client_id):
    created = root.auth.createClient(client_id, request("auth:current-scopes"))
    with root.tc.clock.advanced(minutes=1):
        reset = root.auth.resetAccessToken(client_id)
    assert reset["accessToken"] != created["accessToken"]
    assert reset["lastRotated"] > created["lastRotated"]
    acting(root, reset).auth.currentScopes()
    with refused(401, "AuthenticationFailed"):
        acting(root, created).auth.currentScopes()


def test_a_disabled_client_is_a_401_until_it_is_enabled(root, client_id):
    caller = acting(root, root.auth.createClient(client_id, request("auth:current-scopes")))
    assert root.auth.disableClient(client_id)["disabled"] is True
    with refused(401, "AuthenticationFailed"):
        caller.auth.currentScopes()
    assert root.auth.enableClient(client_id)["disabled"] is False
    caller.auth.currentScopes()


def test_an_expired_client_is_a_401_and_the_sweep_takes_those_that_ask_for_it(root, client_id):
    caller = acting(root, root.auth.createClient(client_id, request("auth:current-scopes")))
    root.auth.createClient(f"{client_id}/gone", request(deleteOnExpiration=True))
    with root.tc.clock.advanced(days=2):
        with refused(401, "AuthenticationFailed"):
            caller.auth.currentScopes()
        root.tc.sweep()
    listed = root.auth.listClients(query={"prefix": client_id})["clients"]
    assert [client["clientId"] for client in listed] == [client_id]


def test_a_deleted_client_is_a_401_and_deleting_repeats(root, client_id):
    caller = acting(root, root.auth.createClient(client_id, request("auth:current-scopes")))
    for _ in range(2):
        root.auth.deleteClient(client_id)
    with refused(401, "AuthenticationFailed"):
        caller.auth.currentScopes()


def test_clients_are_listed_by_prefix_in_pages(root, client_id):
    ids = [f"{client_id}/{number}" for number in range(5)]
    for each in ids:
        root.auth.createClient(each, request())
    found = pages(lambda query: root.auth.listClients(query={**query, "prefix": f"{client_id}/"}))
    assert [client["clientId"] for page in found for client in page["clients"]] == ids


@pytest.mark.parametrize("call", ["createClient", "updateClient"])
def test_static_clients_and_double_stars_are_a_400(root, client_id, call):
    with refused(400, "InputError") as info:
        getattr(root.auth, call)("static/mine", request())
    assert "reserved for statically configured clients" in str(info.value)
    with refused(400, "InputError") as info:
        getattr(root.auth, call)(client_id, request("a**"))
    assert "scopes must not end with `**`" in str(info.value)


@pytest.mark.parametrize("wrong", [{"scopes": ["a", "a"]}, {"scopes": ["\u00e9"]}, {"expires": "never"}, {"x": 1}])
def test_a_client_that_breaks_its_schema_is_a_400(root, client_id, wrong):
    with refused(400, "InputValidationError"):
        root.auth.createClient(client_id, request(**wrong))


def test_each_call_needs_its_scope(holding):
    calls = {
        "auth:list-clients": lambda a: a.listClients(),
        "auth:get-client:x": lambda a: a.client("x"),
        "auth:create-client:x": lambda a: a.createClient("x", request()),
        "auth:reset-access-token:x": lambda a: a.resetAccessToken("x"),
        "auth:enable-client:x": lambda a: a.enableClient("x"),
        "auth:disable-client:x": lambda a: a.disableClient("x"),
        "auth:delete-client:x": lambda a: a.deleteClient("x"),
        "auth:expand-scopes": lambda a: a.expandScopes({"scopes": []}),
        "auth:list-roles": lambda a: a.listRoles(),
        "auth:get-role:x": lambda a: a.role("x"),
        "auth:create-role:x": lambda a: a.createRole("x", {"description": "", "scopes": []}),
        "auth:delete-role:x": lambda a: a.deleteRole("x"),
    }
    for scope, call in calls.items():
        with refused(403, "InsufficientScopes") as info:
            call(holding().auth)
        assert scope in str(info.value)


def test_clients_survive_a_restart_and_those_of_an_older_state_too(tmp_path):
    with Emulator(data_dir=tmp_path) as tc:
        root = Clients(tc, {"clientId": tc.client_id, "accessToken": tc.access_token})
        created = root.auth.createClient("tests/kept", request("auth:current-scopes"))
        root.auth.createRole("kept", {"description": "d", "scopes": ["a"]})
    database = sqlite3.connect(tmp_path / STATE)
    for table in ("clients", "roles"):
        database.execute(f"ALTER TABLE {table} DROP COLUMN details")
    database.close()
    with Emulator(data_dir=tmp_path) as tc:
        kept = acting(Clients(tc), created)
        assert "auth:current-scopes" in kept.auth.currentScopes()["scopes"]
        root = Clients(tc, {"clientId": tc.client_id, "accessToken": tc.access_token})
        assert root.auth.role("kept")["scopes"] == ["a"]
        assert root.auth.client("tests/kept")["disabled"] is False

"""Roles of the auth service, and the expansion of scopes by them."""

from __future__ import annotations

import pytest
import taskcluster
from emulator_clients import fresh, pages, refused


@pytest.fixture
def role_id():
    return fresh("role")


def role(*scopes, description="d"):
    return {"description": description, "scopes": list(scopes)}


def expand(clients, *scopes):
    return clients.auth.expandScopes({"scopes": list(scopes)})["scopes"]


def test_a_role_counts_in_all_services_at_once(root, holding, role_id):
    caller = holding(f"assume:{role_id}")
    ask = (
        lambda: caller.queue.status(taskcluster.slugId()),
        lambda: caller.secrets.get("nothing"),
        lambda: caller.hooks.hook("no", "hook"),
    )
    for call in ask:
        with refused(403, "InsufficientScopes"):
            call()
    root.auth.createRole(role_id, role("queue:status:*", "secrets:get:nothing", "hooks:get:no:hook"))
    for call in ask:
        with refused(404, "ResourceNotFound"):
            call()
    root.auth.updateRole(role_id, role("queue:status:*"))
    with refused(403, "InsufficientScopes"):
        ask[1]()
    root.auth.deleteRole(role_id)
    with refused(403, "InsufficientScopes"):
        ask[0]()


def test_scopes_are_expanded_through_roles(root, role_id):
    root.auth.createRole(role_id, role(f"assume:{role_id}/inner", "a"))
    root.auth.createRole(f"{role_id}/inner", role("b:*", "b:c"))
    expansion = ["a", f"assume:{role_id}", f"assume:{role_id}/inner", "b:*"]
    assert expand(root, f"assume:{role_id}") == expansion
    assert root.auth.role(role_id)["expandedScopes"] == expansion
    assert expand(root, "c") == ["c"]


def test_a_role_with_a_star_is_assumed_with_anything_in_its_place(root, role_id):
    root.auth.createRole(f"{role_id}/*", role("a:<..>:b", "c"))
    assert expand(root, f"assume:{role_id}/x") == ["a:x:b", f"assume:{role_id}/x", "c"]
    assert expand(root, f"assume:{role_id}/x*") == ["a:x*", f"assume:{role_id}/x*", "c"]
    assert expand(root, f"assume:{role_id}*") == ["a:*", f"assume:{role_id}*", "c"]
    assert expand(root, f"assume:{role_id}") == [f"assume:{role_id}"]


def test_roles_that_assume_each_other_are_fine_but_without_end_a_400(root, role_id):
    root.auth.createRole(f"{role_id}-a", role(f"assume:{role_id}-b"))
    root.auth.createRole(f"{role_id}-b", role(f"assume:{role_id}-a", "x"))
    assert "x" in expand(root, f"assume:{role_id}-a")
    with refused(400, "InputError") as info:
        root.auth.createRole(f"{role_id}/*", role(f"assume:{role_id}/<..>x"))
    assert "cycle" in str(info.value)
    root.auth.createRole(f"{role_id}/*", role("a"))
    with refused(400, "InputError"):
        root.auth.updateRole(f"{role_id}/*", role(f"assume:{role_id}/<..>x"))


def test_createrole_repeats_and_conflicts_with_another(root, role_id):
    created = root.auth.createRole(role_id, role("b", "a"))
    assert created["scopes"] == ["a", "b"]
    assert root.auth.createRole(role_id, role("a", "b")) == created == root.auth.role(role_id)
    for other in (role("a"), role("a", "b", description="e")):
        with refused(409, "RequestConflict"):
            root.auth.createRole(role_id, other)


def test_a_caller_gives_only_scopes_that_it_or_the_role_has(root, holding, role_id):
    giver = holding("auth:create-role:*", "auth:update-role:*", "a:*")
    giver.auth.createRole(role_id, role("a:b"))
    with refused(403, "InsufficientScopes"):
        giver.auth.createRole(f"{role_id}/other", role("c"))
    root.auth.updateRole(role_id, role("a:b", "c:*"))
    giver.auth.updateRole(role_id, role("a:d", "c:e"))
    with refused(403, "InsufficientScopes"):
        giver.auth.updateRole(role_id, role("a:d", "f"))


def test_a_missing_role_is_a_404_and_deleting_repeats(root, role_id):
    for _ in range(2):
        root.auth.deleteRole(role_id)
    with refused(404, "ResourceNotFound"):
        root.auth.role(role_id)
    with refused(404, "ResourceNotFound"):
        root.auth.updateRole(role_id, role())


def test_a_double_star_is_a_400(root, role_id):
    with refused(400, "InputError"):
        root.auth.createRole(role_id, role("a**"))


def test_roles_are_listed_whole_and_in_pages(root, role_id):
    ids = [f"{role_id}/{number}" for number in range(3)]
    for each in ids:
        root.auth.createRole(each, role())
    whole = [each["roleId"] for each in root.auth.listRoles()]
    assert set(ids) < set(whole)
    assert [r["roleId"] for page in pages(lambda q: root.auth.listRoles2(query=q)) for r in page["roles"]] == whole
    assert [name for page in pages(lambda q: root.auth.listRoleIds(query=q)) for name in page["roleIds"]] == whole

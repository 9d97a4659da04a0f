"""Coroutines do not read what a hook creates on first use, since a caller may block the loop meanwhile."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest
from sources import parsed
from test_imports import FILES, OF_AIRFLOW, ROOT, imports, room

if TYPE_CHECKING:
    from pathlib import Path


def made_on_first_use() -> set[str]:
    """Return the names of the attributes that a hook creates on first use, from the connection."""
    tree = parsed(ROOT / "hooks/base.py")
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return {made.name for made in functions if any(ast.unparse(by) == "cached_attribute" for by in made.decorator_list)}


MADE = made_on_first_use()
# Theirs is a client that was made before, by the thread that calls.
COROUTINES = {
    "hooks/hook_calls.py",
    "hooks/group_calls.py",
    "hooks/json_calls.py",
    "hooks/task_calls.py",
    "hooks/asynchronous.py",
    "hooks/sync_services.py",
    "hooks/synchronous.py",
    "hooks/notify_calls.py",
    "notifications/taskcluster.py",
    "secrets/taskcluster.py",
}
WITH_HOOKS = [path for path in FILES if room(path) in OF_AIRFLOW - {"triggers"}]
FORBIDDEN = {
    **dict.fromkeys(OF_AIRFLOW, MADE | {"get_connection", "get_conn"}),
    "hooks": MADE - {"client"} | {"get_connection", "get_conn", "_store", "_connection", "_checked", "_project"},
}


def read_attributes(tree: ast.Module) -> set[str]:
    """Return the attributes that coroutines read, including nested functions."""
    coroutines = [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef)]
    within = [node for made in coroutines for statement in made.body for node in ast.walk(statement)]
    return {node.attr for node in within if isinstance(node, ast.Attribute)}


@pytest.mark.parametrize("path", WITH_HOOKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_coroutines_are_in_few_files(path: Path) -> None:
    """In methods, functions and functions within those."""
    found = [node.name for node in ast.walk(parsed(path)) if isinstance(node, ast.AsyncFunctionDef)]
    assert not found or str(path.relative_to(ROOT)) in COROUTINES


@pytest.mark.parametrize(
    "path", [path for path in FILES if room(path) in FORBIDDEN], ids=lambda path: str(path.relative_to(ROOT))
)
def test_no_coroutine_reads_what_a_hook_makes_on_first_use(path: Path) -> None:
    """A connection that is read in the loop thread may block the loop that has to deliver it, for good."""
    assert not read_attributes(parsed(path)) & FORBIDDEN[room(path)]


@pytest.mark.parametrize(
    "source",
    [
        "class Hook:\n    async def call(self):\n        return self.client",
        "async def call(hook):\n    return hook.client",
        "class Hook:\n    def call(self):\n        async def inner():\n            return self.client",
        "async def call(hook):\n    def inner():\n        return hook.client\n    return inner()",
        "async def call(hook):\n    return (lambda: hook.client)()",
    ],
)
def test_coroutines_are_found_wherever_they_are(source: str) -> None:
    """A method, a function, one in another, and what a coroutine has within it."""
    assert "client" in read_attributes(ast.parse(source))


def test_what_a_hook_makes_is_known() -> None:
    """The names come from the source of the hook."""
    assert {"client", "settings", "_cached_store", "_engine_services"} <= MADE


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_made_under_the_lock_of_a_class(path: Path) -> None:
    """``functools.cached_property`` has one, before Python 3.12; ``cached_attribute`` has none."""
    attributes = {node.attr for node in ast.walk(parsed(path)) if isinstance(node, ast.Attribute)}
    assert "cached_property" not in attributes
    assert "functools.cached_property" not in imports(path)

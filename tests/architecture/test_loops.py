"""What event loops and threads may not do (DESIGN: the loop thread reads nothing that a caller may hold)."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest
from test_imports import FILES, OF_AIRFLOW, ROOT, imports, room

if TYPE_CHECKING:
    from pathlib import Path

# Their classes hold a client that was made before; triggers run in the triggerer's loop and have no hook.
COROUTINES = {"hooks/json_calls.py", "hooks/asynchronous.py", "hooks/bridge.py"}
WITH_HOOKS = [path for path in FILES if room(path) in OF_AIRFLOW - {"triggers"}]


@pytest.mark.parametrize("path", WITH_HOOKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_coroutine_reads_what_a_hook_makes_on_first_use(path: Path) -> None:
    """A connection that is read in the loop thread may block the loop that has to deliver it, for good."""
    classes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)]
    found = [node.name for made in classes for node in ast.walk(made) if isinstance(node, ast.AsyncFunctionDef)]
    assert not found or str(path.relative_to(ROOT)) in COROUTINES


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_made_under_the_lock_of_a_class(path: Path) -> None:
    """``functools.cached_property`` has one, before Python 3.12; ``made_once`` has none."""
    attributes = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
    assert "cached_property" not in attributes
    assert "functools.cached_property" not in imports(path)

"""Allowed imports between the layers of the emulator."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from sources import parsed

from airflow_provider_taskcluster import emulator

ROOT = Path(emulator.__file__).parent
PACKAGE = "airflow_provider_taskcluster.emulator"
FRAMEWORKS = {"starlette", "uvicorn"}

# layer -> the modules at its side or below that it may import; frameworks only where they are named.
ALLOWED = {
    "schemas": {"clock"},
    "auth": {"clock", "database", "errors"},
    "store": {"clock", "database", *FRAMEWORKS},
    "services": {"auth", "clock", "context", "database", "errors", "outbox", "schemas", "settings", "store"},
    "api": {"auth", "clock", "errors", "schemas", "services", *FRAMEWORKS},
}
FILES = [path for layer in ALLOWED for path in sorted((ROOT / layer).rglob("*.py"))]


def imported(path):
    package = [*PACKAGE.split("."), *path.relative_to(ROOT).parts[:-1]]
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            yield ".".join([*base, *([node.module] if node.module else [])])


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_layer_imports_only_what_is_below_it(path):
    layer = path.relative_to(ROOT).parts[0]
    names = set(imported(path))
    inside = {name.removeprefix(PACKAGE + ".").split(".")[0] for name in names if name.startswith(PACKAGE)}
    outside = {name.split(".")[0] for name in names} & FRAMEWORKS
    assert (inside | outside) - {layer} <= ALLOWED[layer]


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_workers_know_the_upstream_client(path):
    known = {name.split(".")[0] for name in imported(path)}
    assert "taskcluster" not in known or path.name in {"simulated.py", "claiming.py", "__main__.py"}
    assert "pytest" not in known or path.name == "testing.py"

"""The rooms of the package and who may call whom (shown as the tree in CONTRIBUTING.md)."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PACKAGE = "airflow_provider_taskcluster"
ROOT = Path(__file__).parents[2] / PACKAGE

# room -> the rooms it may import; a module at the top level of the package is a room of its own.
ALLOWED = {
    "__init__": {"connection"},
    "exceptions": set(),
    "retry": {"framing", "tracebacks", "exceptions"},
    "tls": {"exceptions"},
    "network": {"tls", "retry", "redaction", "exceptions"},
    "framing": set(),
    "counts": {"exceptions"},
    "names": {"exceptions"},
    "moments": {"exceptions"},
    "redaction": set(),
    "texts": set(),
    "tracebacks": {"exceptions"},
    "made_once": set(),
    "urls": set(),
    "connection": {"services", "network", "retry", "counts", "redaction", "exceptions"},
    "services": {
        "framing",
        "tracebacks",
        "network",
        "tls",
        "retry",
        "redaction",
        "urls",
        "names",
        "moments",
        "exceptions",
    },
    "transfer": {
        *("framing", "counts", "names", "moments", "network", "tls", "retry", "tracebacks"),
        *("redaction", "urls", "exceptions"),
    },
    "waits": {"services", "retry", "names", "exceptions"},
    "assets": set(),
    "hooks": {
        *("assets", "connection", "services", "transfer", "waits"),
        *("names", "moments", "counts", "tracebacks", "exceptions"),
    },
    "triggers": {"hooks", "waits", "names", "exceptions"},
    "arguments": {"moments", "counts", "exceptions"},
    "mapped_arguments": set(),
    "checks": {"mapped_arguments", "arguments", "connection", "counts", "exceptions"},
    "outcome": {"tracebacks", "exceptions"},
    "links": {"arguments", "names", "exceptions"},
    "operators": {
        *("assets", "hooks", "connection", "links", "transfer"),
        *("arguments", "checks", "names", "outcome", "exceptions"),
    },
    "sensors": {
        *("hooks", "connection", "links", "triggers", "waits"),
        *("arguments", "checks", "names", "outcome", "exceptions"),
    },
    "fs": {"hooks", "services", "transfer", "arguments", "names", "exceptions"},
    "emulator": set(),
}
# For all but the emulator, which imports nothing else of the package.
FOR_ALL = {"texts", "made_once"}
# rooms whose code must run without Airflow; `exceptions` alone takes its root class from there.
OF_AIRFLOW = {"assets", "hooks", "arguments", "checks", "outcome", "links", "operators", "sensors", "triggers", "fs"}
WITHOUT_AIRFLOW = set(ALLOWED) - OF_AIRFLOW - {"exceptions"}
# what a DAG file imports stays light: these are imported inside functions there.
HEAVY = {"taskcluster", "aiohttp", "requests", "fsspec", "tenacity", "urllib3", "mohawk"}
LIGHT_ROOMS = {"__init__", "assets", "exceptions", "hooks", "links", "outcome", "operators", "sensors", "triggers"}
# what a module must not import that says in its first line that it is pure: decisions only, no I/O, no clock.
IMPURE_MODULES = {
    *("os", "io", "pathlib", "socket", "requests", "aiohttp"),
    *("time", "random", "threading", "asyncio"),
}


def room(path: Path) -> str:
    parts = path.relative_to(ROOT).parts
    return parts[0].removesuffix(".py")


def imports(path: Path, *, top_level_only: bool = False) -> set[str]:
    """Dotted names of all that a file imports, relative imports made absolute."""
    tree = ast.parse(path.read_text())
    package = [PACKAGE, *path.relative_to(ROOT).parts[:-1]]
    found = set()
    for node in top_level_nodes(tree) if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            found |= {f"{origin}.{alias.name}" for alias in node.names}
    return found


def top_level_nodes(tree: ast.Module) -> list[ast.stmt]:
    """Statements run at import: not those of functions, nor of `if TYPE_CHECKING`."""
    nodes: list[ast.stmt] = []
    pending: list[ast.stmt] = list(tree.body)
    while pending:
        node = pending.pop()
        nodes.append(node)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            pending += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
    return nodes


FILES = sorted(ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_imports_only_the_rooms_below_it(path: Path) -> None:
    own = room(path)
    assert own in ALLOWED, f"{own} is a new room: add it to ALLOWED with what it may call"
    called = {name.split(".")[1] for name in imports(path) if name.startswith(PACKAGE + ".")}
    called -= {"__version__", own}
    assert called <= ALLOWED[own] | (set() if own == "emulator" else FOR_ALL)


@pytest.mark.parametrize("path", [p for p in FILES if room(p) in WITHOUT_AIRFLOW], ids=str)
def test_rooms_below_the_hook_do_not_know_airflow(path: Path) -> None:
    assert not {name for name in imports(path) if name.split(".")[0] == "airflow"}


@pytest.mark.parametrize("path", [p for p in FILES if room(p) in LIGHT_ROOMS], ids=str)
def test_what_a_dag_file_imports_is_light(path: Path) -> None:
    assert not {name.split(".")[0] for name in imports(path, top_level_only=True)} & HEAVY


def test_a_dag_file_loads_no_heavy_module_behind_our_back() -> None:
    """Follows the light rooms' own imports: none of them may reach a heavy module at import time."""
    reached: set[Path] = set()
    pending = [p for p in FILES if room(p) in LIGHT_ROOMS]
    while pending:
        path = pending.pop()
        if path in reached:
            continue
        reached.add(path)
        for name in imports(path, top_level_only=True):
            if name.startswith(PACKAGE + "."):
                pending += module_files(name)
            assert name.split(".")[0] not in HEAVY, f"{path} imports {name} at import time"


def module_files(name: str) -> list[Path]:
    """The files that importing `name` runs: packages on the way, and the module itself."""
    found = []
    path = ROOT
    for part in name.split(".")[1:]:
        path = path / part
        found += [f for f in (path / "__init__.py", path.with_suffix(".py")) if f.exists()]
    return found


def is_pure(path: Path) -> bool:
    """Whether the first line of a module says so; a package speaks of what is in it."""
    first, _, _ = (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")
    return path.name != "__init__.py" and re.search(r"\bpure\b", first, re.IGNORECASE) is not None


PURE = [path for path in FILES if is_pure(path)]


@pytest.mark.parametrize("path", PURE, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_pure_module_neither_does_io_nor_reads_a_clock(path: Path) -> None:
    modules = {imported.split(".")[0] for imported in imports(path)}
    assert not modules & IMPURE_MODULES


@pytest.mark.parametrize(
    "name",
    ["arguments.py", "waits/results.py", *(f"transfer/{name}.py" for name in ("choice", "plan", "manifest", "digest"))],
)
def test_modules_say_whether_they_are_pure(name: str) -> None:
    assert ROOT / name in PURE


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_grows_over_400_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400

"""The rooms of the package and who may call whom (shown as the tree in CONTRIBUTING.md)."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

import pytest
from sources import parsed

PACKAGE = "airflow_provider_taskcluster"
ROOT = Path(__file__).parents[2] / PACKAGE

# room -> the rooms it may import, from the bottom up
ALLOWED = {
    "exceptions": {"common"},  # messages alone, which imports nothing: files make no circle
    "common": {"exceptions"},
    "assets": {"common"},
    "services": {"common", "exceptions"},
    "connection": {"services", "common", "exceptions"},
    "transfer": {"common", "exceptions"},
    "waits": {"services", "common", "exceptions"},
    "tasks": {"services", "transfer", "common", "exceptions"},
    "hooks": {"assets", "connection", "services", "tasks", "transfer", "waits", "common", "exceptions"},
    "triggers": {"hooks", "waits", "common", "exceptions"},
    "links": {"common", "exceptions"},
    "operators": {
        *("assets", "hooks", "connection", "links", "services", "tasks", "transfer", "triggers", "waits"),
        *("common", "exceptions"),
    },
    "decorators": {"operators", "tasks", "services", "common", "exceptions"},
    "sensors": {"hooks", "connection", "links", "triggers", "waits", "common", "exceptions"},
    "fs": {"hooks", "services", "transfer", "common", "exceptions"},
    "notifications": {"hooks", "connection", "common", "exceptions"},
    "secrets": {"connection", "services", "common", "exceptions"},
    "types": {"hooks", "connection", "services", "tasks", "transfer", "waits", "common"},
    "__init__": {"connection"},
    "emulator": set(),
}
# Inside rooms: what stands first may be imported by what stands behind it, never the other way around.
FLOORS = {
    "transfer": [
        *({"config", "model", "progress", "storage_paths", "parts_manifest"},),
        *({"threads"}, {"hashing"}, {"http"}, {"source"}, {"sink"}, {"download", "upload", "archive"}, {"payload"}),
    ],
    "waits": [
        *({"questions", "results", "backoff", "grace_period", "wait_log", "time_slices"}, {"protocol"}, {"conditions"}),
        *({"serialization", "batching"}, {"check"}, {"poll_loop"}, {"poller"}),
    ],
}
# rooms whose code must run without Airflow
OF_AIRFLOW = {
    "assets",
    "decorators",
    "hooks",
    "links",
    "notifications",
    "operators",
    "secrets",
    "sensors",
    "triggers",
    "fs",
}
WITHOUT_AIRFLOW = set(ALLOWED) - OF_AIRFLOW
# `exceptions` takes its root class from Airflow, and these say to Airflow what our errors mean.
MAY_KNOW_AIRFLOW = {"exceptions.py", "common/task_failure.py", "common/arguments.py"}
# what a DAG file imports stays light: these are imported inside functions there.
HEAVY = {"taskcluster", "aiohttp", "requests", "fsspec", "urllib3", "mohawk"}
LIGHT_ROOMS = OF_AIRFLOW - {"fs"} | {"__init__", "exceptions"}
# what a module must not import that says in its first line that it is pure: decisions only, no I/O, no clock.
IMPURE_MODULES = {
    *("os", "io", "pathlib", "socket", "requests", "aiohttp"),
    *("time", "random", "threading", "asyncio"),
}


FILES = sorted(ROOT.rglob("*.py"))
# packages in which no files may import each other in a circle
PACKAGES = (PACKAGE, "benchmarks", "chaos", "soak")


def room(path: Path) -> str:
    parts = path.relative_to(ROOT).parts
    return parts[0].removesuffix(".py")


@functools.cache
def imports(path: Path, *, top_level_only: bool = False) -> set[str]:
    """Return the dotted names that a file imports, relative imports made absolute."""
    tree = parsed(path)
    package = path.relative_to(ROOT.parent).parts[:-1]
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


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_imports_only_the_rooms_below_it(path: Path) -> None:
    own = room(path)
    assert own in ALLOWED, f"{own} is a new room: add it to ALLOWED with what it may call"
    called = {name.split(".")[1] for name in imports(path) if name.startswith(PACKAGE + ".")}
    called -= {"__version__", own}
    assert called <= ALLOWED[own]


def floor_of(path: Path) -> tuple[str, int, str] | None:
    """The room of a file, the height at which it stands in it, and what it is part of there."""
    own, *rest = path.relative_to(ROOT).parts
    if own not in FLOORS or rest == ["__init__.py"]:
        return None
    part = rest[0].removesuffix(".py")
    heights = [height for height, parts in enumerate(FLOORS[own]) if part in parts]
    assert heights, f"{part} is new in {own}: add it to FLOORS"
    return own, heights[0], part


@pytest.mark.parametrize("path", [p for p in FILES if floor_of(p)], ids=lambda path: str(path.relative_to(ROOT)))
def test_inside_a_room_too_imports_lead_down(path: Path) -> None:
    own, height, part = floor_of(path)
    for name in sorted(n for n in imports(path) if n.startswith(f"{PACKAGE}.{own}.")):
        target = floor_of(module_files(name)[-1])
        assert target is None or target[2] == part or target[1] < height or is_ground(own, target, height), name


def is_ground(own: str, target: tuple[str, int, str], height: int) -> bool:
    """Whether both stand on the ground of a room, where modules may know each other."""
    return target[:2] == (own, 0) and height == 0


@pytest.mark.parametrize("package", PACKAGES)
def test_there_is_no_circle_of_files(package: str) -> None:
    files = sorted((ROOT.parent / package).rglob("*.py"))
    needs = {path: {file for name in imports(path) for file in module_files(name)[-1:]} - {path} for path in files}
    while free := [path for path, needed in needs.items() if not needed & needs.keys()]:
        for path in free:
            del needs[path]
    assert files
    assert not needs, "each of these files imports one that leads back to it"


@pytest.mark.parametrize("path", [p for p in FILES if room(p) in WITHOUT_AIRFLOW], ids=str)
def test_rooms_below_the_hook_do_not_know_airflow(path: Path) -> None:
    knows = {name for name in imports(path) if name.split(".")[0] == "airflow"}
    assert not knows or str(path.relative_to(ROOT)) in MAY_KNOW_AIRFLOW


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
    """Return the files that importing `name` runs: packages on the way below the outermost, and the module itself."""
    package, *parts = name.split(".")
    files = []
    path = ROOT.parent / package
    for part in parts if package in PACKAGES else []:
        path = path / part
        files += [file for file in (path / "__init__.py", path.with_suffix(".py")) if file.exists()]
    return files


def is_pure(path: Path) -> bool:
    """Whether the first line of a module says so; a package speaks of what is in it."""
    first, _, _ = path.read_text().partition("\n")
    return path.name != "__init__.py" and re.search(r"\bpure\b", first, re.IGNORECASE) is not None


PURE = [path for path in FILES if is_pure(path)]


@pytest.mark.parametrize("path", PURE, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_pure_module_neither_does_io_nor_reads_a_clock(path: Path) -> None:
    modules = {imported.split(".")[0] for imported in imports(path)}
    assert not modules & IMPURE_MODULES


@pytest.mark.parametrize(
    "name",
    [
        *("common/arguments.py", "waits/results.py", "transfer/parts_manifest.py", "transfer/hashing/digests.py"),
        *("transfer/upload/parts.py", "transfer/download/plan.py"),
    ],
)
def test_modules_say_whether_they_are_pure(name: str) -> None:
    assert ROOT / name in PURE


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_grows_over_330_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 330

"""Writes docs/reference/public-api.md: all public names, with the arguments of functions and constructors.

Usage: public_api.py. A test compares the page with the code; a change of the page needs an entry in CHANGELOG.md.
"""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference" / "public-api.md"
PACKAGE = "airflow_provider_taskcluster"
# Modules that users import from, in the order of the page.
MODULES = [
    *("operators.objects", "operators.artifacts", "operators.artifact_uploads"),
    *(
        "operators.payloads",
        "operators.folders",
        "operators.purge_cache",
        "operators.run_task",
        "operators.hooks",
        "operators.groups",
        "operators.tasks",
    ),
    *("sensors.artifacts", "sensors.objects", "sensors.tasks", "sensors.index"),
    *("triggers.events", "triggers.run_trigger", "triggers.waits", "hooks.taskcluster", "links.base"),
    *("links.taskcluster", "notifications.taskcluster", "secrets.taskcluster", "decorators.taskcluster"),
    *("tasks.generic_worker", "tasks.docker_worker"),
    *("assets.taskcluster", "fs.filesystem", "fs.errors", "exceptions", "types"),
    *(
        "emulator",
        "emulator.testing",
        "emulator.worker",
        "emulator.clock",
        "emulator.journal",
        "emulator.outbox",
        "emulator.store.faults",
    ),
]
# Users call only the constructors of these.
KINDS_OF_AIRFLOW = {"BaseOperator", "BaseTrigger", "BaseOperatorLink", "BaseNotifier", "BaseSecretsBackend"}
HEAD = """# Public names

This page lists the public names of the package. They and their arguments change only with an entry in the changelog.
All other names are internal, and may change in any release. `make public-api` writes this page.
"""


def page() -> str:
    """Return the text of the page."""
    return "\n".join([HEAD, *map(section, MODULES)])


def section(module: str) -> str:
    """Return the section of one module."""
    loaded = importlib.import_module(f"{PACKAGE}.{module}")
    lines = [entry(name, getattr(loaded, name)) for name in public_names(loaded)]
    return "\n".join([f"## `{PACKAGE}.{module}`", "", *lines, ""])


def public_names(module: object) -> list[str]:
    """Return the names that a module exports: its ``__all__``, else the classes and functions it defines."""
    exported = getattr(module, "__all__", None)
    if exported:
        return sorted(exported)
    return sorted(
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == getattr(module, "__name__", "")
    )


def entry(name: str, value: object) -> str:
    """Return the line of one name, with the names of its arguments."""
    if inspect.isfunction(value):
        return f"- `{name}{arguments(value)}`"
    if not inspect.isclass(value):
        return f"- `{name}`"
    methods = [] if only_constructed(value) else sorted(vars_of(value).items())
    return "\n".join(
        [
            f"- `{name}{constructor(value)}`",
            *(
                f"  - `{method}{arguments(function)}`"
                for method, function in methods
                if not method.startswith("_") and inspect.isfunction(function)
            ),
        ]
    )


def only_constructed(kind: type) -> bool:
    """Tell whether users call only the constructor of a class; its methods are called by Airflow."""
    return any(base.__name__ in KINDS_OF_AIRFLOW for base in kind.__mro__)


def constructor(kind: type) -> str:
    """Return the arguments of a class, including those that ``**kwargs`` passes to its bases in this package."""
    inits = [vars(base)["__init__"] for base in ours(kind) if "__init__" in vars(base)]
    given = arguments(inits[0]) if inits else ""
    passed_on = [
        f"{name}{'' if one.default is one.empty else '='}"
        for init in inits[1:]
        for name, one in inspect.signature(init).parameters.items()
        if one.kind is one.KEYWORD_ONLY
    ]
    if "**kwargs" not in given or not passed_on:
        return given
    return given.replace("**kwargs", ", ".join([*dict.fromkeys(passed_on), "**kwargs"]))


def vars_of(kind: type) -> dict[str, object]:
    """Return the attributes of a class and of its bases in this package."""
    return {name: value for base in reversed(ours(kind)) for name, value in vars(base).items()}


def ours(kind: type) -> list[type]:
    """Return a class and its bases in this package."""
    return [base for base in kind.__mro__ if base.__module__.startswith(PACKAGE)]


def arguments(function: object) -> str:
    """Return the names of a function's arguments in parentheses, with ``=`` after those with a default."""
    if not inspect.isfunction(function):
        return ""
    names, keyword_only = [], False
    for name, one in inspect.signature(function).parameters.items():
        if name == "self":
            continue
        if one.kind is one.KEYWORD_ONLY and not keyword_only:
            names.append("*")
        keyword_only = keyword_only or one.kind in {one.KEYWORD_ONLY, one.VAR_POSITIONAL}
        stars = "*" if one.kind is one.VAR_POSITIONAL else "**" if one.kind is one.VAR_KEYWORD else ""
        names.append(stars + name + ("" if one.default is one.empty else "="))
    return f"({', '.join(names)})"


if __name__ == "__main__":
    PAGE.write_text(page())

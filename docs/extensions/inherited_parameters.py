"""Adds to the documented parameters of a class those of its base classes, so that each is described once."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

OURS = "airflow_provider_taskcluster"
PARAMETER = re.compile(r":param (\w+):")


def parameters(lines: list[str]) -> dict[str, list[str]]:
    """Return the lines of each parameter of a docstring, in its order."""
    described: dict[str, list[str]] = {}
    block: list[str] | None = None
    for line in lines:
        if match := PARAMETER.match(line):
            block = described.setdefault(match[1], [])
        elif not line.startswith(" "):
            block = None
        if block is not None:
            block.append(line)
    return described


def all_parameters(documented: type) -> dict[str, list[str]]:
    """Return the parameters of a class and of its base classes in this package; a class comes before its bases."""
    described: dict[str, list[str]] = {}
    for each in documented.__mro__:
        if each.__module__.startswith(OURS):
            for name, lines in parameters(inspect.cleandoc(each.__doc__ or "").splitlines()).items():
                described.setdefault(name, lines)
    return described


def add_inherited(_app: Sphinx, what: str, _name: str, documented: object, _options: object, lines: list[str]) -> None:
    """Add the parameters of base classes after a class's own ones."""
    if what != "class" or not isinstance(documented, type):
        return
    own = parameters(lines)
    inherited = [line for name, block in all_parameters(documented).items() if name not in own for line in block]
    if inherited:
        last = [*own.values()][-1][-1] if own else None
        end = lines.index(last) + 1 if last else len(lines)
        lines[end:end] = inherited if own else ["", *inherited]


def setup(app: Sphinx) -> dict[str, bool]:
    """Extend autodoc."""
    app.connect("autodoc-process-docstring", add_inherited)
    return {"parallel_read_safe": True}

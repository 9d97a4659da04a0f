"""The directive ``rooms-picture``: a drawing of the package's folders, or of those in one folder, from the imports."""

from __future__ import annotations

import ast
import graphlib
from typing import TYPE_CHECKING

from docutils import nodes
from layered_drawing import svg
from rooms import PACKAGE
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from layered_drawing import Graph
    from sphinx.application import Sphinx


class RoomsPicture(SphinxDirective):
    """One box for each folder; an arrow leads to what it imports, unless a longer way leads there, too.

    The argument is a folder of the package, such as ``transfer``; without one, the package is drawn.
    """

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the drawing."""
        self.env.note_reread()  # any file may get an import
        folder = PACKAGE.joinpath(*self.arguments)
        return [nodes.raw("", svg(reduced(imports_of_folders(folder))), format="html")]


def imports_of_folders(parent: Path) -> Graph:
    """Return which folders of a folder import which others of it."""
    folders = {file.parent.name: file.parent for file in sorted(parent.glob("*/__init__.py"))}
    prefix = ".".join(parent.relative_to(PACKAGE.parent).parts) + "."
    found: Graph = {}
    for name, folder in folders.items():
        modules = {module for file in folder.rglob("*.py") for module in imported(file) if module.startswith(prefix)}
        found[name] = ({module.removeprefix(prefix).split(".")[0] for module in modules} & set(folders)) - {name}
    return found


def imported(file: Path) -> Iterator[str]:
    """Yield the absolute names that a file imports; relative imports stay in their folder (ruff holds that: TID252)."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def reduced(graph: Graph) -> Graph:
    """Return the graph without the edges that a longer way replaces.

    :raises graphlib.CycleError: There is a circle.
    """
    reached: Graph = {}
    for name in graphlib.TopologicalSorter(graph).static_order():
        reached[name] = graph[name].union(*(reached[callee] for callee in graph[name]))
    return {name: callees - set().union(*(reached[callee] for callee in callees)) for name, callees in graph.items()}


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive."""
    app.add_directive("rooms-picture", RoomsPicture)
    return {"parallel_read_safe": True}

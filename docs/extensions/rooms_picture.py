"""The directive ``rooms-picture``: a drawing of the imports between the package's folders, or those in one folder."""

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
    """Drawing with a box for each folder and an arrow for each import, except where a longer path exists as well.

    The argument is a folder of the package, such as ``transfer``; the default is the package itself.
    """

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the drawing."""
        self.env.note_reread()  # the drawing depends on all files
        folder = PACKAGE.joinpath(*self.arguments)
        return [nodes.raw("", svg(reduced(imports_of_folders(folder))), format="html")]


def imports_of_folders(parent: Path) -> Graph:
    """Return the imports between the subfolders of a folder."""
    folders = {file.parent.name: file.parent for file in sorted(parent.glob("*/__init__.py"))}
    prefix = ".".join(parent.relative_to(PACKAGE.parent).parts) + "."
    graph: Graph = {}
    for name, folder in folders.items():
        modules = {module for file in folder.rglob("*.py") for module in imported(file) if module.startswith(prefix)}
        graph[name] = ({module.removeprefix(prefix).split(".")[0] for module in modules} & set(folders)) - {name}
    return graph


def imported(file: Path) -> Iterator[str]:
    """Yield the names of a file's absolute imports; relative ones stay in their folder (ruff enforces it: TID252)."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def reduced(graph: Graph) -> Graph:
    """Return the transitive reduction of a graph.

    :raises graphlib.CycleError: The graph has a cycle.
    """
    reached: Graph = {}
    for name in graphlib.TopologicalSorter(graph).static_order():
        reached[name] = graph[name].union(*(reached[callee] for callee in graph[name]))
    return {name: callees - set().union(*(reached[callee] for callee in callees)) for name, callees in graph.items()}


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive."""
    app.add_directive("rooms-picture", RoomsPicture)
    return {"parallel_read_safe": True}

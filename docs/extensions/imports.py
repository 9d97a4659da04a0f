"""Extends ``literalinclude``: a part of a Python file is shown with the imports and constants that it needs.

So every part can be copied and run, and no page repeats imports by hand.
"""

from __future__ import annotations

import ast
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from sphinx.directives.code import LiteralInclude, LiteralIncludeReader

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

OURS = "airflow_provider_taskcluster"
WIDTH = 110


class PythonInclude(LiteralInclude):
    """Sphinx's directive, which prepends needed imports and constants to Python code."""

    def run(self) -> list[nodes.Node]:
        """Return the code block."""
        _, file = self.env.relfn2path(self.arguments[0])
        if file.endswith(".py"):
            part, _ = LiteralIncludeReader(file, self.options, self.config).read()
            header = needed(Path(file).read_text(), part)
            if header:
                self.options["prepend"] = header + "\n"
        return super().run()


def needed(whole: str, part: str) -> str:
    """Return the imports and constants at the top of a file that a part of it uses but does not contain."""
    top, here = ast.parse(whole).body, ast.parse(textwrap.dedent(part))
    names = used(here) - {name for node in ast.walk(here) for name in bound(node)}
    constants: list[str] = []
    for node in reversed(top):  # a constant may use earlier ones
        if isinstance(node, ast.Assign) and bound(node) & names:
            constants.insert(0, ast.get_source_segment(whole, node) or "")
            names |= used(node)
    imports = [(group(node), line) for node in at_top(top) for line in lines(node, names)]
    groups = ["\n".join(line for of, line in imports if of == each) for each in ("python", "others", "ours")]
    return "\n\n".join(filter(None, [*groups, "\n".join(constants)]))


def used(tree: ast.AST) -> set[str]:
    """Return the names that are read in a tree."""
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def bound(node: ast.AST) -> set[str]:
    """Return the names that an import or an assignment binds."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name for alias in node.names}
    if isinstance(node, ast.Assign):
        return {target.id for target in node.targets if isinstance(target, ast.Name)}
    return set()


def at_top(statements: list[ast.stmt]) -> list[ast.Import | ast.ImportFrom]:
    """Return the imports of a module, including those for type checkers."""
    inner = [each for node in statements for each in (node.body if isinstance(node, ast.If) else [node])]
    return [node for node in inner if isinstance(node, ast.Import | ast.ImportFrom)]


def group(node: ast.Import | ast.ImportFrom) -> str:
    """Return the group of an import: "python", "others" or "ours"."""
    name = (node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name
    first = name.partition(".")[0]
    return "ours" if first == OURS else "python" if first in sys.stdlib_module_names else "others"


def lines(node: ast.Import | ast.ImportFrom, names: set[str]) -> list[str]:
    """Return the lines of an import, limited to the given names; none if it has none of them."""
    node.names = [alias for alias in node.names if (alias.asname or alias.name) in names]
    if not node.names:
        return []
    line = ast.unparse(node)
    if len(line) <= WIDTH:
        return [line]
    head = line.partition(" import ")[0]
    return [f"{head} import (", *(f"    {ast.unparse(alias)}," for alias in node.names), ")"]


def setup(app: Sphinx) -> dict[str, bool]:
    """Replace Sphinx's directive."""
    app.add_directive("literalinclude", PythonInclude, override=True)
    return {"parallel_read_safe": True}

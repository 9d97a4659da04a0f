"""The directive ``rooms``: a table of the package's top-level packages, from their docstrings and the import test."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "airflow_provider_taskcluster"
HELD_BY = ROOT / "tests" / "architecture" / "test_imports.py"


class Rooms(SphinxDirective):
    """Table with one row for each room, the highest first: name, first line of the docstring, allowed imports."""

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        self.env.note_dependency(str(HELD_BY))
        rows = ["| Room | What it is | May import |", "|---|---|---|"]
        for room, below in reversed(allowed().items()):
            file = source(room)
            self.env.note_dependency(str(file))
            callees = ", ".join(f"`{name}`" for name in sorted(below)) or "nothing"
            rows.append(f"| `{room}` | {first_line(file)} | {callees} |")
        return self.parse_text_to_nodes("\n".join(rows))


def allowed() -> dict[str, set[str]]:
    """Return the imports that the architecture test allows, by room."""
    for node in ast.parse(HELD_BY.read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "ALLOWED":
            rooms: dict[str, set[str]] = eval(ast.unparse(node.value))  # noqa: S307 (a literal in our own test)
            return rooms
    raise LookupError(f"There is no ALLOWED in {HELD_BY}")


def source(room: str) -> Path:
    """Return the file with the docstring of a room."""
    module = PACKAGE / f"{room}.py"
    return module if module.exists() else PACKAGE / room / "__init__.py"


def first_line(file: Path) -> str:
    """Return the first line of a file's docstring."""
    docstring = ast.get_docstring(ast.parse(file.read_text()))
    if not docstring:
        raise LookupError(f"{file} has no docstring: say there what the room is")
    return docstring.splitlines()[0]


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive."""
    app.add_directive("rooms", Rooms)
    return {"parallel_read_safe": True}

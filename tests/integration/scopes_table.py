"""The table of scopes in the docs, and the operations that test its lines."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "scopes.md"
OPERATIONS = {}


def table():
    """Return the scopes of each line of the table, by its label."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")][1:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {label: re.findall(r"`([^`]+)`", scopes) for label, scopes in cells}


TABLE = table()


def line(beginning, nth=0):
    """Register an operation for the line of the table with this label."""
    label = [label for label in TABLE if label.startswith(beginning)][nth]

    def register(operation):
        assert operation.__name__ not in OPERATIONS, "each has a name of its own, over all modules"
        OPERATIONS[operation.__name__] = (label, operation)
        return operation

    return register

"""The outcome as a table for people and as JSON for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from .runner import Line

ROW = "{:<22} {:>9} {:>9} {:<7} {:>6} {:>7}  {:<14} {:<8} {:<18} {}"
HEAD = ("case", "ours", "peer", "unit", "ratio", "spread", "bar", "reached", "tmpfs ours/peer", "")


def show(lines: dict[str, Line], machine: dict[str, Any]) -> str:
    """The table, with the machine below it."""
    rows = [ROW.format(*HEAD), *(_row(key, line) for key, line in lines.items())]
    facts = ", ".join(f"{name} {value}" for name, value in machine.items())
    return "\n".join(["", *(row.rstrip() for row in rows), "", facts])


def _row(key: str, line: Line) -> str:
    return ROW.format(
        key,
        _number(line.ours),
        _number(line.peer),
        line.unit,
        _number(line.ratio, 2),
        "-" if line.spread is None else f"{line.spread:.0%}",
        line.bar,
        "yes" if line.reached else "NO",
        f"{_number(line.tmpfs['ours'])}/{_number(line.tmpfs['peer'])}" if line.tmpfs else "",
        line.note,
    )


def _number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def save(file: Path, lines: dict[str, Line], machine: dict[str, Any], plan: dict[str, Any]) -> None:
    """Write it as JSON: ``cases`` by key, ``machine``, ``plan``."""
    file.parent.mkdir(parents=True, exist_ok=True)
    content = {"cases": {key: line.as_dict() for key, line in lines.items()}, "machine": machine, "plan": plan}
    file.write_text(json.dumps(content, indent=2) + "\n")

"""Results as a table and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from .runner import CaseResult

ROW = "{:<22} {:>9} {:>9} {:<7} {:>6} {:>7}  {:<14} {:<8} {:<18} {}"
HEAD = ("case", "ours", "peer", "unit", "ratio", "spread", "bar", "reached", "tmpfs ours/peer", "")


def show(results: dict[str, CaseResult], machine: dict[str, Any]) -> str:
    """Return the table, with the facts about the machine below it."""
    rows = [ROW.format(*HEAD), *(_row(key, result) for key, result in results.items())]
    facts = ", ".join(f"{name} {value}" for name, value in machine.items())
    return "\n".join(["", *(row.rstrip() for row in rows), "", facts])


def _row(key: str, result: CaseResult) -> str:
    return ROW.format(
        key,
        _number(result.ours),
        _number(result.peer),
        result.unit,
        _number(result.ratio, 2),
        "-" if result.spread is None else f"{result.spread:.0%}",
        result.bar,
        "yes" if result.reached else "NO",
        f"{_number(result.tmpfs['ours'])}/{_number(result.tmpfs['peer'])}" if result.tmpfs else "",
        result.note,
    )


def _number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def save(file: Path, results: dict[str, CaseResult], machine: dict[str, Any], plan: dict[str, Any]) -> None:
    """Write the results as JSON: ``cases`` by key, ``machine``, ``plan``."""
    file.parent.mkdir(parents=True, exist_ok=True)
    content = {"cases": {key: result.as_dict() for key, result in results.items()}, "machine": machine, "plan": plan}
    file.write_text(json.dumps(content, indent=2) + "\n")

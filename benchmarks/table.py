"""Results as a table and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .runner import CaseResult, Medians

ROW = "{:<34} {:>9} {:<6} {:>7} {:>8} {:>8} {:>7}"
HEAD = ("case and contender", "figure", "unit", "/ ours", "CPU s", "+MiB", "spread")


def show(results: dict[str, CaseResult], machine: dict[str, Any]) -> str:
    """Return the table: all contenders of a case below each other, and the facts about the machine at its end."""
    rows = [ROW.format(*HEAD), *(row for key, result in results.items() for row in _rows(key, result))]
    facts = ", ".join(f"{name} {value}" for name, value in machine.items())
    return "\n".join(["", *(row.rstrip() for row in rows), "", facts])


def _rows(key: str, result: CaseResult) -> Iterator[str]:
    notes = [f"{result.bar}: {'yes' if result.reached else 'NO'}", *([result.note] if result.note else [])]
    if result.tmpfs:
        notes.append(f"tmpfs ours/peer {_number(result.tmpfs['ours'])}/{_number(result.tmpfs['peer'])}")
    yield f"{key} ({'; '.join(notes)})"
    for name, medians in result.contenders.items():
        yield _row(name, medians, result)


def _row(name: str, medians: Medians, result: CaseResult) -> str:
    times = f"{medians.figure / result.ours:.2f}" if result.ours else "-"
    cost = (_number(medians.cpu, 2), _number(medians.memory, 1), f"{medians.spread:.0%}")
    return ROW.format(f"  {name}", _number(medians.figure), result.unit, times, *cost)


def _number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def save(file: Path, results: dict[str, CaseResult], machine: dict[str, Any], plan: dict[str, Any]) -> None:
    """Write the results as JSON: ``cases`` by key, ``machine``, ``plan``."""
    file.parent.mkdir(parents=True, exist_ok=True)
    content = {"cases": {key: result.as_dict() for key, result in results.items()}, "machine": machine, "plan": plan}
    file.write_text(json.dumps(content, indent=2) + "\n")

"""Contenders that are programs in other languages: ``make bench-peers`` builds them, ``make bench`` uses those built.

``rust`` is Taskcluster's own client and its crates for downloads and uploads.
"""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

REPOSITORY = Path(__file__).parents[1]
SOURCES = Path(__file__).parent / "contenders"
PROGRAMS = {"rust": REPOSITORY / ".venv" / "bench-peers" / "rust" / "release" / "peer"}


def command(contender: str, arguments: Mapping[str, Any]) -> list[str]:
    """Return the command that runs a contender once."""
    module, function = contender.split(".")
    if module in PROGRAMS:
        return [str(PROGRAMS[module]), function, json.dumps(arguments)]
    return [sys.executable, "-m", "benchmarks.contender", contender, json.dumps(arguments)]


def is_missing(contender: str) -> bool:
    """Whether a contender is a program that was not built."""
    program = PROGRAMS.get(contender.split(".", maxsplit=1)[0])
    return program is not None and not program.exists()


def versions() -> dict[str, str]:
    """Return the versions of the clients that the programs use, by their names; "not built" if they are not."""
    locked = tomllib.loads((SOURCES / "rust" / "Cargo.lock").read_text())["package"]
    rust = next(package["version"] for package in locked if package["name"] == "taskcluster-download")
    return {"taskcluster (Rust)": rust if PROGRAMS["rust"].exists() else "not built"}

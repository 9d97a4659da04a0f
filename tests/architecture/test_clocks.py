"""Tests replace the clock of one module only, because event loops of other threads use the global one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
CLOCK_OF_ALL = re.compile(r"""\btime(?:, ["']|\.)(?:monotonic|time|perf_counter)["']""")


@pytest.mark.parametrize("path", sorted(TESTS.rglob("*.py")), ids=lambda path: str(path.relative_to(TESTS)))
def test_no_test_replaces_the_clock_of_all_threads(path: Path) -> None:
    assert not CLOCK_OF_ALL.search(path.read_text())

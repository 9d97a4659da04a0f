"""What others write is read by regular expressions that take time in proportion to it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

import pytest
from hostile_texts import METHODS, ROOT, slowest
from sources import parsed

# Seconds of processor time for 64 KiB. A pattern that is linear takes milliseconds, one that is quadratic ten seconds.
DEADLINE = 1.0


def test_each_of_them_reads_64_kib_of_hostile_text_within_a_deadline():
    try:
        done = subprocess.run(
            [sys.executable, ROOT.parent / "tests/unit/hostile_texts.py"],
            env={"PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            timeout=110,
            check=True,
        )
    except subprocess.TimeoutExpired as late:
        pytest.fail(f"not done: {late.stdout.decode().splitlines()[-1]}")
    lines = done.stdout.splitlines()
    assert len(lines) > 20
    assert not [line for line in lines if float(line.rpartition(" ")[2]) > DEADLINE]


@pytest.mark.parametrize(
    ("slow", "length"),
    [
        (re.compile(r"<Code>(.*?)</Code>.*?<Message>(.*?)</Message>", re.DOTALL), 1500),
        (re.compile(r"missing the following scopes:\s*```\s*(.*?)\s*```", re.DOTALL), 600),
        (re.compile(r"(\w+\s?)+:"), 22),
    ],
    ids=["store", "scopes", "exponential"],
)
def test_the_texts_find_what_is_slow(slow, length):
    """As these are, of which the first two were once used: on much shorter texts."""
    assert slowest(slow, ["search"], length, enough=0.05) > 0.05


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_they_stand_at_the_top_of_their_modules_where_they_are_found(path):
    called = [
        node.func.attr
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
    ]
    assert not METHODS & set(called)

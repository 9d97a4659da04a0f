from __future__ import annotations

import pytest

from airflow_provider_taskcluster.texts import one_line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plain", "plain"),
        ("  two\n\n words\t", "two words"),
        ("Bad status line:\n\n  b'SSH-2.0'\n    ^", "Bad status line: b'SSH-2.0'"),
        ("\x1b[31mred\x1b[0m \0 end", "[31mred [0m end"),
        ("a\u2028b", "a b"),
        (ValueError("wrong\nhere"), "wrong here"),
        ("", ""),
    ],
)
def test_a_text_becomes_one_line_without_control_characters(text, line):
    assert one_line(text) == line


def test_a_long_text_is_cut():
    assert one_line("x" * 601) == "x" * 600 + "..."
    assert one_line("x" * 600) == "x" * 600
    assert one_line("one two three", 7) == "one two..."

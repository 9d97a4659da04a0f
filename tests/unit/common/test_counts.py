"""Whole numbers as users, templates and forms write them."""

from __future__ import annotations

import pandas as pd
import pytest

from airflow_provider_taskcluster.common import counts
from airflow_provider_taskcluster.exceptions import InvalidInput


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (0, 0),
        (8, 8),
        ("8", 8),
        (" 8\n", 8),
        ("007", 7),
        (3.0, 3),
        ("3.0", 3),
        ("9" * 20, int("9" * 20)),
        (10**40, 10**40),
    ],
)
def test_a_number_its_text_or_a_float_that_is_whole(value, number):
    assert counts.read_count(value) == counts.whole_number(value, "x") == number


def test_numbers_of_tables_are_numbers():
    assert counts.read_count(pd.Series([8]).iloc[0]) == 8


@pytest.mark.parametrize(
    "value",
    [
        *(-1, "-1", "+1", 1.5, "1.5", -0.5, float("inf"), float("nan"), 1e30, "1e3", "1_000", "1,000", "0x10", "", " "),
        *("\u00b2", "\u0663", "8 MiB", "many", None, True, False, "True", b"8", [], [8], {}, "9" * 21, "9" * 5000),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_anything_else_is_none(value):
    assert counts.read_count(value) is None
    with pytest.raises(InvalidInput, match=r"files is .*: pass a whole number, 0 or more"):
        counts.whole_number(value, "files")


@pytest.mark.parametrize("value", [0, "0", "0.0"])
def test_what_is_too_few_is_refused(value):
    with pytest.raises(InvalidInput, match=r"connections is .*: pass a whole number, 1 or more"):
        counts.whole_number(value, "connections", least=1)

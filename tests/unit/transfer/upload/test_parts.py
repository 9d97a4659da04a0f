from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from itertools import product

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_taskcluster.exceptions import InvalidInput, TooLarge
from airflow_provider_taskcluster.transfer.config import GIB, MIB
from airflow_provider_taskcluster.transfer.parts_manifest import LARGEST_PART, MOST_PARTS
from airflow_provider_taskcluster.transfer.upload.parts import (
    DEFAULT_PART,
    default_part_size,
    effective_part_size,
    generation_of,
    needs_parts,
    size_or_function,
)

EXPIRES = datetime(2030, 5, 1, 12, 0, 0, 123_000, tzinfo=UTC)
USUAL = {"project_id": "project", "expires": EXPIRES, "part_size": 64 * MIB, "size": GIB, "sha256": "ab" * 32}
MOST = MOST_PARTS * LARGEST_PART


@pytest.mark.parametrize(
    ("total", "size"),
    [
        (0, 64 * MIB),
        (1, 64 * MIB),
        (6 * GIB, 64 * MIB),
        (64_000 * MIB, 64 * MIB),
        (64_000 * MIB + 1, 65 * MIB),
        (128_000 * MIB, 128 * MIB),
    ],
)
def test_by_default_parts_have_64_mib_and_more_where_there_would_be_over_a_thousand(total, size):
    assert default_part_size(total) == effective_part_size(None, total) == size


@given(st.integers(0, MOST))
def test_the_default_makes_at_most_a_thousand_parts_as_long_as_a_part_fits_into_one_put(total):
    size = effective_part_size(None, total)
    assert DEFAULT_PART <= size <= LARGEST_PART
    assert size % MIB == 0 or size == LARGEST_PART
    if size < LARGEST_PART:
        assert -(-total // size) <= 1000


@pytest.mark.parametrize(
    "wanted", ["8388608", " 8388608 ", 8388608.0, "8388608.0", pd.Series([8388608]).iloc[0]], ids=repr
)
@pytest.mark.parametrize("by", ["value", "function"])
def test_a_number_may_be_written_as_templates_and_tables_write_it(wanted, by):
    size = effective_part_size(wanted if by == "value" else lambda _total: wanted, 100)
    assert (size, type(size)) == (8 * MIB, int)
    size_or_function(wanted, "part_size")


@pytest.mark.parametrize("wanted", [1, 1000, MIB, LARGEST_PART])
def test_a_number_is_taken_as_it_is(wanted):
    assert effective_part_size(wanted, 1000) == wanted


def test_a_function_is_asked_with_the_total():
    asked = []
    assert effective_part_size(lambda total: asked.append(total) or total // 4, 8 * MIB) == 2 * MIB
    assert asked == [8 * MIB]


@pytest.mark.parametrize("wanted", [LARGEST_PART + 1, 10**15, lambda total: total])
def test_a_part_has_at_most_what_one_put_can_carry(wanted):
    assert effective_part_size(wanted, 100 * GIB) == LARGEST_PART


@given(st.integers(1, 2 * LARGEST_PART), st.integers(0, MOST))
def test_there_are_never_more_parts_than_a_manifest_may_have(wanted, total):
    size = effective_part_size(wanted, total)
    assert min(wanted, LARGEST_PART) <= size <= LARGEST_PART
    assert -(-total // size) <= MOST_PARTS


def test_what_no_manifest_can_hold_is_refused_before_anything_is_sent():
    assert effective_part_size(1, MOST) == LARGEST_PART
    with pytest.raises(TooLarge, match="more than 10000 parts of 5 GiB can carry"):
        effective_part_size(1, MOST + 1)


def test_a_function_that_gives_0_means_the_least_and_the_default_where_there_is_no_total():
    """A quarter of nothing is no mistake of who wrote it; a stream in parts of one byte would be."""
    assert [effective_part_size(lambda total: total // 4, total) for total in (0, 3, 4, 8)] == [DEFAULT_PART, 1, 1, 2]


NUMBERS_THAT_ARE_NONE = [-1, 1.5, 1e30, True, False, "64 MiB", "-1", [], b"1"]


@pytest.mark.parametrize(
    ("wanted", "by"),
    [(0, "value"), *product(NUMBERS_THAT_ARE_NONE, ["value", "function"])],
    ids=repr,
)
def test_what_is_no_positive_number_is_refused(wanted, by):
    with pytest.raises(InvalidInput, match=rf"part_size is {re.escape(repr(wanted))}: pass a number of bytes"):
        effective_part_size(wanted if by == "value" else lambda _total: wanted, 100)


def test_a_function_must_return_something():
    with pytest.raises(InvalidInput, match="part_size is None"):
        effective_part_size(lambda _total: None, 100)


def test_an_empty_disk_finds_the_same_generation():
    """Held to a fixed value: another formula would send all parts of uploads under way at an upgrade once more."""
    assert generation_of(**USUAL) == generation_of(**USUAL) == "e29a5ddd0763551f"


@pytest.mark.parametrize(
    "change",
    [
        {"project_id": "other"},
        {"expires": EXPIRES + timedelta(milliseconds=1)},
        {"part_size": 64 * MIB + 1},
        {"size": GIB + 1},
        {"sha256": "cd" * 32},
        {"part_size": GIB, "size": 64 * MIB},
    ],
    ids="+".join,
)
def test_another_ingredient_gives_another_generation(change):
    assert generation_of(**USUAL | change) != generation_of(**USUAL)


@pytest.mark.parametrize(
    "same",
    [EXPIRES.astimezone(timezone(timedelta(hours=-7))), EXPIRES.replace(microsecond=123_999)],
    ids=["another time zone", "microseconds"],
)
def test_of_the_expiry_only_the_instant_in_milliseconds_counts(same):
    assert generation_of(**USUAL | {"expires": same}) == generation_of(**USUAL)


@pytest.mark.parametrize(("length", "parts"), [(0, False), (1, False), (LARGEST_PART, False), (LARGEST_PART + 1, True)])
def test_by_default_parts_are_taken_only_where_one_put_cannot_carry_it(length, parts):
    assert needs_parts(length, "auto") is parts


@pytest.mark.parametrize(("length", "parts"), [(99, False), (100, False), (101, True)])
def test_parts_are_taken_above_the_threshold(length, parts):
    assert needs_parts(length, "auto", 100) is parts


@pytest.mark.parametrize("threshold", ["100", 100.0, pd.Series([100]).iloc[0]], ids=repr)
def test_a_threshold_may_be_written_as_templates_and_tables_write_it(threshold):
    assert [needs_parts(length, "auto", threshold) for length in (100, 101)] == [False, True]


def test_a_threshold_does_not_make_a_put_carry_more():
    assert needs_parts(LARGEST_PART + 1, "auto", 10 * LARGEST_PART)
    assert not needs_parts(LARGEST_PART, "auto", 10 * LARGEST_PART)


@pytest.mark.parametrize("length", [0, 1, LARGEST_PART, 10 * LARGEST_PART])
def test_always_is_always(length):
    assert needs_parts(length, "always", 10 * LARGEST_PART)


def test_never_is_never_and_what_does_not_fit_is_refused_with_the_way_out():
    assert not needs_parts(LARGEST_PART, "never", 1)
    with pytest.raises(
        TooLarge, match=rf"{LARGEST_PART + 1} bytes are more than one PUT can carry .5 GiB.*multipart='auto'"
    ):
        needs_parts(LARGEST_PART + 1, "never")


@pytest.mark.parametrize("multipart", ["sometimes", "", None, True, "AUTO"], ids=repr)
def test_what_is_no_choice_is_refused(multipart):
    with pytest.raises(InvalidInput, match=rf"multipart is {multipart!r}: pass 'auto', 'never' or 'always'"):
        needs_parts(1, multipart)


@pytest.mark.parametrize("threshold", ["5 GiB", 1.5, None, -1, True], ids=repr)
def test_what_is_no_threshold_is_refused(threshold):
    with pytest.raises(InvalidInput, match=rf"multipart_threshold is {re.escape(repr(threshold))}: pass a number"):
        needs_parts(1, "auto", threshold)

from __future__ import annotations

import re

import pandas as pd
import pytest

from airflow_provider_taskcluster.exceptions import InvalidInput, TooLarge
from airflow_provider_taskcluster.transfer.parts_manifest import LARGEST_PART
from airflow_provider_taskcluster.transfer.upload.choice import in_parts


@pytest.mark.parametrize(("length", "parts"), [(0, False), (1, False), (LARGEST_PART, False), (LARGEST_PART + 1, True)])
def test_by_default_parts_are_taken_only_where_one_put_cannot_carry_it(length, parts):
    assert in_parts(length, "auto") is parts


@pytest.mark.parametrize(("length", "parts"), [(99, False), (100, False), (101, True)])
def test_parts_are_taken_above_the_threshold(length, parts):
    assert in_parts(length, "auto", 100) is parts


@pytest.mark.parametrize("threshold", ["100", 100.0, pd.Series([100]).iloc[0]], ids=repr)
def test_a_threshold_may_be_written_as_templates_and_tables_write_it(threshold):
    assert [in_parts(length, "auto", threshold) for length in (100, 101)] == [False, True]


def test_a_threshold_does_not_make_a_put_carry_more():
    assert in_parts(LARGEST_PART + 1, "auto", 10 * LARGEST_PART)
    assert not in_parts(LARGEST_PART, "auto", 10 * LARGEST_PART)


@pytest.mark.parametrize("length", [0, 1, LARGEST_PART, 10 * LARGEST_PART])
def test_always_is_always(length):
    assert in_parts(length, "always", 10 * LARGEST_PART)


def test_never_is_never_and_what_does_not_fit_is_refused_with_the_way_out():
    assert not in_parts(LARGEST_PART, "never", 1)
    with pytest.raises(
        TooLarge, match=rf"{LARGEST_PART + 1} bytes are more than one PUT can carry .5 GiB.*multipart='auto'"
    ):
        in_parts(LARGEST_PART + 1, "never")


@pytest.mark.parametrize("multipart", ["sometimes", "", None, True, "AUTO"], ids=repr)
def test_what_is_no_choice_is_refused(multipart):
    with pytest.raises(InvalidInput, match=rf"multipart is {multipart!r}: pass 'auto', 'never' or 'always'"):
        in_parts(1, multipart)


@pytest.mark.parametrize("threshold", ["5 GiB", 1.5, None, -1, True], ids=repr)
def test_what_is_no_threshold_is_refused(threshold):
    with pytest.raises(InvalidInput, match=rf"multipart_threshold is {re.escape(repr(threshold))}: pass a number"):
        in_parts(1, "auto", threshold)

"""Numbers in headers, and where a body ends."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_taskcluster.common.framing import (
    Framing,
    content_range,
    framing_of,
    header_number,
    unsatisfied_total,
)

# What other readers of numbers take for one: int(), float(), str.isdigit().
NO_NUMBERS = [
    *("", " ", ",", "3000,", "3000, 1000", "3000abc", "3 000", "+3000", "-1", "0x10", "1_0", "1e3", "3.0", "nan"),
    *("²", "٣", "\uff13", "3000\n", "3000\x0b", "3000\xa0", "9" * 21, "9" * 5000),
]


@pytest.mark.parametrize(
    ("value", "number"),
    [("0", 0), ("3000", 3000), (" \t3000 ", 3000), ("3000, 3000,3000", 3000), ("007", 7), ("9" * 20, 10**20 - 1)],
)
def test_a_number_is_ascii_digits(value, number):
    assert header_number(value) == number


@pytest.mark.parametrize("value", NO_NUMBERS)
def test_anything_else_is_none(value):
    assert header_number(value) is None
    assert framing_of(value, None) == Framing(unreadable="Content-Length")
    for crooked in (f"bytes {value}-5/9", f"bytes 0-{value}/9", f"bytes 0-5/{value}"):
        assert content_range(crooked) is None
    assert unsatisfied_total(f"bytes */{value}") is None


@given(st.text())
@example("9" * 5000)
def test_no_text_makes_the_readers_fail(text):
    for number in (header_number(text), unsatisfied_total(text), *(content_range(text) or ())):
        assert number is None or 0 <= number < 10**20


@pytest.mark.parametrize(
    "coding",
    ["chunked", "Chunked", "CHUNKED", " chunked\t", "identity, chunked", "chunked, chunked", ", chunked"],
)
@pytest.mark.parametrize("length", [None, "10", "99999", "abc", "1, 2", ""])
def test_chunks_count_and_not_the_length_beside_them(coding, length):
    assert framing_of(length, coding) == Framing(chunked=True)


@pytest.mark.parametrize("coding", ["gzip, chunked", "chunked, gzip", "gzip", "xchunked", "chunked;q=1", "chun ked"])
def test_another_coding_is_not_guessed(coding):
    assert framing_of("10", coding) == Framing(unreadable="Transfer-Encoding")


@pytest.mark.parametrize("coding", [None, "", "identity"])
def test_without_chunks_the_length_counts(coding):
    assert framing_of("10", coding) == Framing(length=10)
    assert framing_of(None, coding) == Framing()


@pytest.mark.parametrize(
    ("framing", "marked"),
    [(Framing(), False), (Framing(length=0), True), (Framing(chunked=True), True), (Framing(unreadable="x"), False)],
)
def test_a_body_is_marked_if_a_cut_shows(framing, marked):
    assert framing.marked is marked


@pytest.mark.parametrize(
    "value",
    ["bytes 0-9/30", "Bytes  0-9/30", " bytes\t0-9/30 ", "bytes 0-9/30, bytes 0-9/30"],
)
def test_a_content_range(value):
    assert content_range(value) == (0, 9, 30)


@pytest.mark.parametrize(
    "value",
    ["", "bytes 0-9/*", "bytes */30", "lines 0-9/30", "bytes 0-9", "bytes=0-9/30", "bytes 0-9/30, bytes 10-19/30"],
)
def test_what_is_no_content_range(value):
    assert content_range(value) is None


@pytest.mark.parametrize(("value", "total"), [("bytes */30", 30), ("BYTES */0", 0), ("bytes */*", None), ("", None)])
def test_the_length_that_a_416_tells(value, total):
    assert unsatisfied_total(value) == total

"""Going over from one source of a log to another."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_taskcluster.tasks.log_position import Continuation, LogPosition, PrefixDiffers


def at(data):
    position = LogPosition()
    position.advance(data)
    return position


@given(st.binary(max_size=50), st.integers(0, 50), st.lists(st.integers(0, 50), max_size=5))
def test_what_was_passed_on_is_left_out_however_the_source_is_cut(data, passed, cuts):
    position = at(data[:passed])
    continuation = Continuation(position)
    places = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts)})
    rest = b"".join(continuation.rest_of(data[a:b]) for a, b in pairwise(places))
    continuation.check_end()
    assert rest == data[passed:]


def test_another_beginning_is_noticed_before_anything_of_it_is_passed_on():
    continuation = Continuation(at(b"abcdef"))
    assert continuation.rest_of(b"abX") == b""
    with pytest.raises(PrefixDiffers):
        continuation.rest_of(b"defghi")


def test_a_source_that_is_shorter_differs():
    continuation = Continuation(at(b"abcdef"))
    assert continuation.rest_of(b"abc") == b""
    with pytest.raises(PrefixDiffers):
        continuation.check_end()


def test_a_continuation_counts_from_when_it_was_made():
    position = at(b"ab")
    continuation = Continuation(position)
    position.advance(b"cd")
    assert continuation.rest_of(b"abcd") == b"cd"

"""Chunks that are pulled out of an engine that pushes."""

from __future__ import annotations

import itertools
import os
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from running_threads import running

from airflow_provider_taskcluster.exceptions import NotAsAnnounced, Truncated
from airflow_provider_taskcluster.transfer.payload.chunks import Chunks

DATA = os.urandom(1000)


def pieces(data, size):
    for start in range(0, len(data), size):
        yield data[start : start + size]


def delivering(data, piece, restarts=(), other=None):
    """A fetch that delivers some bytes, begins anew after so many, and then delivers the same (or others)."""

    def fetch(sink):
        for restart in restarts:
            sink.begin(len(data))
            for part in pieces(data[:restart], piece):
                sink.write(memoryview(bytearray(part)))
        sink.begin(len(data))
        for part in pieces(data if other is None else other, piece):
            sink.write(memoryview(bytearray(part)))
        sink.commit()

    return fetch


@given(
    st.binary(max_size=300),
    st.integers(1, 120),
    st.integers(1, 120),
    st.lists(st.integers(0, 300), max_size=3),
)
def test_the_chunks_are_the_content_in_order_whatever_their_size(data, chunk_size, piece, restarts):
    found = list(Chunks("a", chunk_size, delivering(data, piece, [min(r, len(data)) for r in restarts])))
    assert b"".join(found) == data
    assert all(len(chunk) == chunk_size for chunk in found[:-1])
    assert 1 <= len(found) == max(1, -(-len(data) // chunk_size))


@pytest.mark.parametrize("restart", [350, 1000])
def test_what_comes_again_must_be_what_was_given_out(restart):
    other = bytes([DATA[0] ^ 1]) + DATA[1:]
    chunks = iter(Chunks("a", 100, delivering(DATA, 50, [restart], other)))
    found = []
    with pytest.raises(NotAsAnnounced, match="'a' has changed in the store while it was read"):
        found.extend(chunks)


def test_what_was_not_given_out_may_change():
    other = os.urandom(1000)
    assert b"".join(Chunks("a", 2000, delivering(DATA, 50, [900], other))) == other


def test_an_error_comes_where_the_next_chunk_would_and_the_last_one_is_not_given_out():
    def fetch(sink):
        sink.begin(None)
        sink.write(DATA)
        raise Truncated("broken")

    chunks = iter(Chunks("a", 400, fetch))
    assert [next(chunks), next(chunks)] == [DATA[:400], DATA[400:800]]
    with pytest.raises(Truncated, match="broken"):
        next(chunks)


def test_nothing_is_fetched_before_it_is_asked_for():
    given_out = []

    def fetch(sink):
        given_out.append("begun")
        sink.begin(None)
        for part in pieces(DATA, 100):
            given_out.append(len(part))
            sink.write(part)
        sink.commit()

    chunks = iter(Chunks("a", 100, fetch))
    time.sleep(0.05)
    assert given_out == []
    next(chunks)
    time.sleep(0.05)
    assert given_out == ["begun", 100, 100]
    list(chunks)
    assert len(given_out) == 11


def test_who_wants_no_more_ends_the_fetch():
    ended = threading.Event()

    def fetch(sink):
        try:
            for part in itertools.repeat(DATA):
                sink.write(part)
        finally:
            ended.set()

    chunks = iter(Chunks("a", 100, fetch))
    next(chunks)
    chunks.close()
    assert ended.is_set()
    assert not running("taskcluster-chunks")

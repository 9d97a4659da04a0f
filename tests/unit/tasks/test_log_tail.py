"""The end of a log in bounded memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_taskcluster.tasks.log_tail import LogTail


@given(st.lists(st.binary(max_size=20), max_size=20), st.integers(1, 60))
def test_it_keeps_the_last_bytes(blocks, most):
    tail, data = LogTail(most), b"".join(blocks)
    for block in blocks:
        tail.add(block)
    assert b"".join(tail) == data[-most:]
    assert tail.left_out == max(0, len(data) - most)


@given(st.lists(st.text("ab\n", max_size=9), max_size=20), st.integers(1, 60))
def test_it_begins_with_a_whole_line_if_there_is_one(blocks, most):
    tail, data = LogTail(most), "".join(blocks).encode()
    for block in blocks:
        tail.add(block.encode())
    tail.begin_with_a_line()
    kept = data[-most:]
    if len(kept) < len(data) and not data[: -len(kept)].endswith(b"\n") and b"\n" in kept:
        kept = kept.partition(b"\n")[2]
    assert b"".join(tail) == kept
    assert tail.left_out == len(data) - len(kept)

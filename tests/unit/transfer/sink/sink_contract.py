"""Contract tests for every sink of the transfer engine."""

from __future__ import annotations

import pytest

from airflow_provider_taskcluster.transfer.sink.base import Sink
from airflow_provider_taskcluster.transfer.sink.factory import sink_for

CONTENT = bytes(range(256)) * 20


class SinkContract:
    """What holds for every sink; a test class inherits it and says how to make one and how to look into it."""

    @pytest.fixture
    def sink(self, tmp_path):
        raise NotImplementedError

    @pytest.fixture
    def arrived(self, sink, tmp_path):
        """Return a function that gives the bytes that are there under the final name, None for no such thing."""
        raise NotImplementedError

    def test_what_was_written_is_there_after_commit(self, sink, arrived):
        sink.begin(len(CONTENT))
        fill(sink)
        sink.commit()
        assert arrived() == CONTENT

    def test_the_size_need_not_be_known(self, sink, arrived):
        sink.begin(None)
        fill(sink)
        sink.commit()
        assert arrived() == CONTENT

    def test_nothing_can_be_committed_too(self, sink, arrived):
        sink.begin(0)
        sink.commit()
        assert arrived() == b""

    def test_it_begins_again_from_a_clean_state_after_a_partial_write(self, sink, arrived):
        sink.begin(len(CONTENT))
        sink.write(b"longer than " + CONTENT)
        sink.begin(len(CONTENT))
        fill(sink)
        sink.commit()
        assert arrived() == CONTENT

    def test_nothing_is_left_after_discard(self, sink, arrived):
        sink.begin(len(CONTENT))
        fill(sink)
        sink.discard()
        assert not arrived()

    def test_discard_is_harmless_before_anything_and_twice(self, sink, arrived):
        sink.discard()
        sink.begin(None)
        sink.write(b"abc")
        sink.discard()
        sink.discard()
        assert not arrived()

    def test_it_can_begin_again_after_discard(self, sink, arrived):
        sink.begin(None)
        sink.write(b"abc")
        sink.discard()
        sink.begin(None)
        fill(sink)
        sink.commit()
        assert arrived() == CONTENT

    def test_a_buffer_may_be_used_again_after_a_write(self, sink, arrived):
        buffer = bytearray(b"first")
        sink.begin(None)
        sink.write(memoryview(buffer))
        buffer[:] = b"other"
        sink.write(memoryview(buffer)[:2])
        sink.commit()
        assert arrived() == b"firstot"

    def test_it_is_taken_as_it_is(self, sink):
        assert isinstance(sink, Sink)
        assert sink_for(sink) is sink


def fill(sink):
    for start in range(0, len(CONTENT), 700):
        sink.write(memoryview(CONTENT)[start : start + 700])

"""Bytes in a temporary file without a name: a sink, then a source."""

from __future__ import annotations

import tempfile

import pytest
from sink_contract import CONTENT, SinkContract, fill

from airflow_provider_taskcluster.transfer.sink.spool import TemporarySink, TemporarySource
from airflow_provider_taskcluster.transfer.source.reading import read_up_to
from airflow_provider_taskcluster.transfer.upload.measure import measure, measure_parts


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def temporary(folder):
    sink = TemporarySink()
    yield sink
    sink.close()


class TestTemporarySink(SinkContract):
    @pytest.fixture
    def sink(self, temporary):
        return temporary

    @pytest.fixture
    def arrived(self, sink):
        def read():
            with TemporarySource(sink, "what has arrived").reading() as reader:
                return bytes(read_up_to(reader, 100_000))

        return read

    def test_bytes_are_taken_in_any_order(self, sink, arrived):
        sink.begin(len(CONTENT))
        sink.reserve(len(CONTENT))
        for start in reversed(range(0, len(CONTENT), 700)):
            sink.write_at(start, memoryview(CONTENT)[start : start + 700])
        sink.commit()
        assert arrived() == CONTENT

    def test_it_has_no_name(self, sink, folder):
        fill(sink)
        assert not list(folder.iterdir())

    def test_a_thread_that_comes_late_does_not_write_to_another_file(self, sink, folder):
        sink.close()
        with (folder / "other").open("wb") as other, pytest.raises(ValueError, match="closed"):
            sink.write_at(0, memoryview(b"x" * other.fileno()))
        assert (folder / "other").read_bytes() == b""


def test_readers_have_places_of_their_own(temporary):
    fill(temporary)
    source = TemporarySource(temporary, "content")
    assert source.length() == len(CONTENT)
    first, second = source.open(), source.open()
    assert first.read(700) == second.read(700) == CONTENT[:700]
    second.seek(1)
    assert first.read(5) == CONTENT[700:705]
    assert second.read(5) == CONTENT[1:6]
    with source.section(100, 50).reading() as piece:
        assert bytes(read_up_to(piece, 1_000)) == CONTENT[100:150]
    fill(temporary)
    assert temporary.size == 2 * len(CONTENT)


def test_it_is_measured_whole_and_in_parts(temporary):
    fill(temporary)
    source = TemporarySource(temporary, "content")
    whole = measure(source)
    assert measure_parts(source, 1_000)[:2] == (whole.size, whole.sha256)

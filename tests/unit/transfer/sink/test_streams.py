"""Destinations for sequential bytes: open files, pipes, and writers from a factory."""

from __future__ import annotations

import io
import os

import pytest
from sink_contract import CONTENT, SinkContract, fill

from airflow_provider_taskcluster.exceptions import DestinationError, InvalidInput
from airflow_provider_taskcluster.transfer.sink.base import FileSink, WriterSink, write_all
from airflow_provider_taskcluster.transfer.sink.factory import sink_for


class TestOpenFile(SinkContract):
    @pytest.fixture(params=["buffered", "raw", "memory"])
    def file(self, request, tmp_path):
        if request.param == "memory":
            file = io.BytesIO()
        else:
            file = (tmp_path / "file").open("w+b", buffering=0 if request.param == "raw" else -1)
        with file:
            file.write(b"before")
            yield file

    @pytest.fixture
    def sink(self, file):
        sink = sink_for(file)
        assert isinstance(sink, FileSink)
        return sink

    @pytest.fixture
    def arrived(self, file):
        def read():
            assert not file.closed  # it is its owner's
            file.seek(0)
            assert file.read(6) == b"before"
            return file.read()

        return read

    def test_it_stands_at_the_end_of_what_was_written(self, sink, file):
        sink.begin(None)
        fill(sink)
        sink.commit()
        assert file.tell() == len(b"before" + CONTENT)

    def test_a_text_file_is_refused_with_the_way_out(self, tmp_path):
        with (tmp_path / "text").open("w") as file, pytest.raises(InvalidInput, match=r"binary mode \('wb'\)"):
            sink_for(file)

    def test_a_file_open_for_reading_alone_is_refused_with_the_way_out(self, tmp_path):
        (tmp_path / "other").touch()
        with (tmp_path / "other").open("rb") as file, pytest.raises(InvalidInput, match=r"not open for writing.*'wb'"):
            sink_for(file)


class TestPipe:
    """An open file that cannot seek takes one download, and no second start once it has taken bytes."""

    @pytest.fixture
    def pipe(self):
        receiver, sender = os.pipe()
        with os.fdopen(receiver, "rb") as reader, os.fdopen(sender, "wb", buffering=0) as writer:
            yield reader, writer

    def test_it_takes_a_download(self, pipe):
        reader, writer = pipe
        sink = sink_for(writer)
        sink.begin(None)
        sink.begin(None)  # nothing was written yet
        sink.write(b"content")
        sink.commit()
        assert reader.read(7) == b"content"

    def test_it_cannot_begin_again_once_it_has_taken_bytes(self, pipe):
        sink = sink_for(pipe[1])
        sink.begin(None)
        sink.write(b"content")
        with pytest.raises(DestinationError, match="cannot seek, so the download cannot begin again: use a path"):
            sink.begin(None)
        sink.discard()

    def test_bytes_of_a_write_that_failed_halfway_count_as_taken(self):
        class Breaking(io.RawIOBase):
            def writable(self):
                return True

            def write(self, data):
                if len(data) < 7:
                    raise BrokenPipeError("gone")
                return 3

        sink = sink_for(Breaking())
        sink.begin(None)
        with pytest.raises(DestinationError, match="Cannot write"):
            sink.write(b"content")
        with pytest.raises(DestinationError, match="cannot begin again"):
            sink.begin(None)

    def test_a_write_that_takes_nothing_does_not_go_on_for_ever(self):
        with pytest.raises(DestinationError, match="takes no more bytes: is it full"):
            write_all(lambda _: 0, b"content")


class Writer:
    """A writer as a factory returns it, which remembers what became of it."""

    made: list[Writer]

    def __init__(self):
        self.data = b""
        self.fate = ""
        self.made.append(self)

    def write(self, data):
        self.data += data

    def close(self):
        self.fate += "closed"

    def abort(self):
        self.fate += "aborted"


class TestWriterFactory(SinkContract):
    @pytest.fixture
    def made(self):
        Writer.made = []
        return Writer.made

    @pytest.fixture
    def sink(self, made):
        assert made == []
        sink = sink_for(Writer)
        assert isinstance(sink, WriterSink)
        return sink

    @pytest.fixture
    def arrived(self, made):
        return lambda: made[-1].data if made and made[-1].fate == "closed" else None

    def test_no_writer_is_made_before_a_good_answer(self, sink, made):
        assert made == []
        sink.begin(None)
        assert len(made) == 1

    def test_every_start_has_a_fresh_writer_and_the_old_one_is_told(self, sink, made):
        sink.begin(None)
        sink.write(b"old")
        sink.begin(None)
        sink.write(b"new")
        sink.commit()
        sink.discard()
        assert [(writer.data, writer.fate) for writer in made] == [(b"old", "aborted"), (b"new", "closed")]

    def test_a_writer_needs_nothing_but_write(self):
        class Bare:
            def write(self, data):
                """Take it."""

        sink = sink_for(Bare)
        sink.begin(None)
        sink.write(b"x")
        sink.begin(None)
        sink.commit()


class Sparing(io.RawIOBase):
    """A raw file that takes three bytes at a time."""

    def __init__(self):
        self.data = b""

    def writable(self):
        return True

    def write(self, data):
        self.data += bytes(data[:3])
        return min(3, len(data))


@pytest.mark.parametrize("data", [b"", b"ab", b"abc", b"abcdefgh", memoryview(b"abcdefgh")], ids=bytes)
def test_a_raw_file_that_takes_less_than_it_is_given_gets_all_of_it(data):
    file = Sparing()
    write_all(file.write, data)
    assert file.data == bytes(data)


def test_so_it_is_for_an_open_raw_file_as_destination():
    file = Sparing()
    sink = sink_for(file)
    sink.begin(None)
    sink.write(b"abcdefgh")
    sink.commit()
    assert file.data == b"abcdefgh"

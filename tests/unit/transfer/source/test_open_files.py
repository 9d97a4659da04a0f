"""Open files and pipes as sources."""

from __future__ import annotations

import io
import os

import pytest
from source_contract import CONTENT, SourceContract, read_all

from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.transfer.source.base import (
    BytesSource,
    FileSource,
    StreamSource,
)
from airflow_provider_taskcluster.transfer.source.factory import source_for


class TestOpenFile(SourceContract):
    @pytest.fixture(params=["buffered", "raw", "memory"])
    def source(self, request, tmp_path):
        path = tmp_path / "file"
        path.write_bytes(b"before" + CONTENT)
        if request.param == "memory":
            file = io.BytesIO(path.read_bytes())
        else:
            file = path.open("rb", buffering=0 if request.param == "raw" else -1)
        with file:
            file.seek(len(b"before"))
            source = source_for(file)
            assert isinstance(source, FileSource)
            yield source
            assert not file.closed  # it is its owner's

    def test_a_pipe_is_refused_with_the_way_out(self):
        receiver, sender = os.pipe()
        os.close(sender)
        with (
            os.fdopen(receiver, "rb") as file,
            pytest.raises(InvalidInput, match=r"cannot seek.*pass a path, or a function that returns a fresh reader"),
        ):
            source_for(file)

    @pytest.mark.parametrize("once", [True, False])
    @pytest.mark.parametrize(
        ("broken", "told"),
        [
            ({"seekable": True}, "underlying stream is not seekable|seek"),
            ({"seekable": True, "tell": 0}, "seek"),
            ({"seekable": True, "tell": None, "seek": None}, "it does not seek to where it stood"),
            ({"seekable": True, "tell": 7, "seek": None, "readable": OSError("no such device")}, "no such device"),
            ({"seekable": ValueError("a\nb")}, r"a\\nb"),
        ],
        ids=str,
    )
    def test_a_file_that_is_not_what_it_says_it_is_is_refused_at_once(self, broken, told, once):
        class Odd(io.RawIOBase):
            def readable(self):
                return True

        def answer(value):
            def method(*_):
                if isinstance(value, Exception):
                    raise value
                return value

            return method

        odd = type("Odd", (Odd,), {name: answer(value) for name, value in broken.items()})()
        with pytest.raises(
            InvalidInput, match=rf"is not what it says it is \(.*({told}).*\): pass a path, or a function"
        ):
            source_for(odd, once=once)

    def test_a_closed_file_is_refused_with_the_way_out(self, tmp_path):
        file = (tmp_path / "file").open("w+b")
        file.close()
        with pytest.raises(InvalidInput, match=r"is not what it says it is \(I/O operation on closed file.?\)"):
            source_for(file)

    def test_a_file_whose_seek_returns_nothing_is_one(self):
        class Quiet(io.BytesIO):
            def seek(self, *where):
                super().seek(*where)

        source = source_for(Quiet(CONTENT))
        assert source.length() == len(CONTENT)

    def test_a_text_file_is_refused_with_the_way_out(self, tmp_path):
        with (tmp_path / "file").open("w+") as file, pytest.raises(InvalidInput, match=r"binary mode \('rb'\)"):
            source_for(file)

    def test_a_file_open_for_writing_alone_is_refused_with_the_way_out(self, tmp_path):
        with (tmp_path / "file").open("wb") as file, pytest.raises(InvalidInput, match=r"not open for reading.*'rb'"):
            source_for(file)


class TestOpenPipe:
    """A stream that can be read once; it is taken only where the caller is ready for that."""

    @pytest.fixture
    def pipe(self):
        receiver, sender = os.pipe()
        with os.fdopen(receiver, "rb") as file:
            os.write(sender, CONTENT)
            os.close(sender)
            yield file

    def test_it_is_a_stream_of_unknown_length_without_sections(self, pipe):
        source = source_for(pipe, once=True)
        assert isinstance(source, StreamSource)
        assert (source.length(), source.section(0, 1), source.independent) == (None, None, False)
        assert source.description.startswith("stream")

    def test_it_is_read_once_and_left_open(self, pipe):
        source = source_for(pipe, once=True)
        with source.reading() as reader:
            assert read_all(reader) == CONTENT
        assert not pipe.closed
        with source.reading() as reader:
            assert reader.read(1) == b""

    def test_what_can_be_read_again_is_no_stream(self):
        assert isinstance(source_for(io.BytesIO(CONTENT), once=True), FileSource)
        assert isinstance(source_for(CONTENT, once=True), BytesSource)

    def test_the_error_names_the_way_out(self, pipe):
        with pytest.raises(InvalidInput, match="upload it with multipart='always'"):
            source_for(pipe)

    def test_a_pipe_open_for_writing_alone_is_refused(self):
        receiver, sender = os.pipe()
        os.close(receiver)
        with os.fdopen(sender, "wb") as file, pytest.raises(InvalidInput, match="not open for reading"):
            source_for(file, once=True)

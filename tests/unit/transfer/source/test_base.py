"""Bytes and paths as sources of uploads."""

from __future__ import annotations

import errno
import os
import tracemalloc
from pathlib import Path

import pytest
from source_contract import CONTENT, SourceContract

from airflow_provider_taskcluster.exceptions import InvalidInput, SourceError
from airflow_provider_taskcluster.transfer.source.base import (
    BytesSource,
    PathSource,
)
from airflow_provider_taskcluster.transfer.source.factory import source_for


class TestBytes(SourceContract):
    @pytest.fixture(params=[bytes, bytearray, memoryview])
    def source(self, request):
        source = source_for(request.param(CONTENT))
        assert isinstance(source, BytesSource)
        return source

    def test_sections_and_what_is_held_already_are_not_copied(self):
        data = bytes(16 << 20)
        source = source_for(data)
        tracemalloc.start()
        pieces = [source.section(0, 8 << 20), source.section(0, 16 << 20), BytesSource.without_copy(memoryview(data))]
        readers = [piece.open() for piece in pieces]
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert len(readers) == 3
        assert peak < 1 << 20

    def test_bytes_changed_later_do_not_change_what_is_sent(self):
        data = bytearray(CONTENT)
        source = source_for(data)
        data[0] = 99
        with source.reading() as reader:
            assert reader.read(1) == CONTENT[:1]


class TestPath(SourceContract):
    @pytest.fixture(params=[str, lambda path: path], ids=["text", "Path"])
    def source(self, request, tmp_path):
        path = tmp_path / "file"
        path.write_bytes(CONTENT)
        source = source_for(request.param(path))
        assert isinstance(source, PathSource)
        return source

    def test_the_file_is_closed_after_each_reading(self, source):
        with source.reading() as reader:
            pass
        assert reader.closed

    def test_a_section_is_closed_after_each_reading(self, source):
        with source.section(0, 10).reading() as reader:
            reader.read(1)
        with pytest.raises(ValueError, match="closed"):
            reader.read(1)

    def test_the_length_is_that_of_this_moment(self, tmp_path):
        (tmp_path / "file").write_bytes(b"12")
        source = source_for(tmp_path / "file")
        (tmp_path / "file").write_bytes(b"1234")
        assert source.length() == 4

    def test_a_missing_file_is_named(self, tmp_path):
        with pytest.raises(InvalidInput, match=r"There is no file '.*absent' to upload"):
            source_for(tmp_path / "absent")

    def test_a_folder_is_refused(self, tmp_path):
        with pytest.raises(InvalidInput, match="is not a file: name one file to upload"):
            source_for(tmp_path)

    def test_a_named_pipe_is_refused_before_anybody_waits_for_it(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(InvalidInput, match="is not a file"):
            source_for(tmp_path / "pipe")

    @pytest.mark.parametrize("text", ["x" * 5000, "nul\0" * 1000, ""], ids=["too long", "nul", "empty"])
    def test_a_text_that_can_be_no_path_is_refused_in_a_sentence(self, text):
        """Most likely the content itself, given in the place of its path."""
        with pytest.raises(InvalidInput, match=r"upload|cannot be a path") as caught:
            source_for(text)
        assert len(str(caught.value)) < 400

    def test_a_file_that_vanished_since_is_named(self, tmp_path):
        path = tmp_path / "file"
        path.touch()
        source = source_for(path)
        path.unlink()
        for look in (source.open, source.length):
            with pytest.raises(InvalidInput, match=r"file '.*file' cannot be read: No such file"):
                look()

    @pytest.mark.parametrize("number", [errno.EMFILE, errno.ESTALE, errno.EIO])
    def test_what_may_pass_is_no_wrong_path(self, tmp_path, monkeypatch, number):
        def refuse(*_, **__):
            raise OSError(number, os.strerror(number))

        path = tmp_path / "file"
        path.touch()
        source = source_for(path)
        monkeypatch.setattr(Path, "open", refuse)
        monkeypatch.setattr(Path, "stat", refuse)
        for look in (source.open, source.length):
            with pytest.raises(SourceError, match=rf"file '.*file' cannot be read: {os.strerror(number)}") as caught:
                look()
            assert caught.value.transient

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_a_file_without_permission_is_named(self, tmp_path):
        path = tmp_path / "file"
        path.touch(mode=0)
        with pytest.raises(InvalidInput, match="cannot be read: Permission denied"):
            source_for(path).open()

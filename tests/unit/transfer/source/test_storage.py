"""Files of a storage as sources."""

from __future__ import annotations

import io

import pytest
from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFileSystem
from source_contract import CONTENT, SourceContract
from storage_place import Place

from airflow_provider_taskcluster.exceptions import InvalidInput, SourceError
from airflow_provider_taskcluster.transfer.source.base import (
    PathSource,
)
from airflow_provider_taskcluster.transfer.source.factory import source_for
from airflow_provider_taskcluster.transfer.source.storage import StorageSource


class Elsewhere(DirFileSystem):
    """One that does not say that it is of this machine."""

    protocol = "elsewhere"


class TestStorage(SourceContract):
    @pytest.fixture
    def storage(self, tmp_path):
        (tmp_path / "file").write_bytes(CONTENT)
        return Elsewhere(str(tmp_path), LocalFileSystem())

    @pytest.fixture
    def source(self, storage):
        source = source_for(Place(storage, "file"))
        assert isinstance(source, StorageSource)
        assert source.length() == len(CONTENT)
        assert source.section(0, 1) is not None
        return source

    def test_a_missing_file_is_named(self, storage):
        with pytest.raises(InvalidInput, match="There is no file 'bucket://absent' to upload"):
            source_for(Place(storage, "absent"))

    def test_a_folder_is_refused(self, storage):
        with pytest.raises(InvalidInput, match="'bucket://' is not a file: name one file to upload"):
            source_for(Place(storage, ""))

    def test_a_file_that_vanished_since_is_named(self, source, tmp_path):
        (tmp_path / "file").unlink()
        with pytest.raises(InvalidInput, match="There is no file 'bucket://file'"):
            source.open()

    def test_what_the_file_system_raises_is_a_sentence_and_may_pass(self, source, monkeypatch):
        class Reset(io.BytesIO):
            def read(self, size):
                raise ConnectionResetError("by\npeer")

        monkeypatch.setattr(Elsewhere, "open", lambda *_, **__: Reset())
        with (
            source.reading() as reader,
            pytest.raises(SourceError, match=r"file 'bucket://file' cannot be read: by\\npeer"),
        ):
            reader.read(1)
        assert SourceError.transient

    def test_a_file_of_unknown_length_has_no_sections(self, storage, monkeypatch):
        monkeypatch.setattr(Elsewhere, "info", lambda *_, **__: {"type": "file", "size": None})
        source = source_for(Place(storage, "file"))
        assert (source.length(), source.section(0, 1)) == (None, None)

    def test_the_length_is_not_that_of_a_cached_listing(self, tmp_path, monkeypatch):
        storage = MemoryFileSystem(skip_instance_cache=True)
        storage.pipe_file("/cached", b"1")
        asked = []
        monkeypatch.setattr(storage, "invalidate_cache", asked.append, raising=False)
        source_for(Place(storage, "/cached"))
        assert asked == ["/cached"]


def test_a_file_of_this_machine_is_taken_as_the_path_it_is(tmp_path):
    (tmp_path / "file").touch()
    assert isinstance(source_for(Place(LocalFileSystem(), str(tmp_path / "file"))), PathSource)

"""Paths in file systems of fsspec as destinations of a download."""

from __future__ import annotations

import pytest
from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFileSystem
from sink_contract import CONTENT, SinkContract, fill
from storage_place import Place

from airflow_provider_taskcluster.exceptions import DestinationError, InvalidInput
from airflow_provider_taskcluster.transfer.sink.factory import sink_for
from airflow_provider_taskcluster.transfer.sink.partial_file import PathSink
from airflow_provider_taskcluster.transfer.sink.storage import StorageSink, block_size


class Renaming(DirFileSystem):
    """One that does not say what it is a folder of."""

    protocol = "renaming"


class TestStorage(SinkContract):
    @pytest.fixture(params=["copied", "renamed"])
    def storage(self, request, tmp_path):
        """A file system that moves by copying, one that renames, neither of them on this machine as far as it knows."""
        if request.param == "copied":
            return MemoryFileSystem(skip_instance_cache=True)
        return Renaming(str(tmp_path), LocalFileSystem())

    @pytest.fixture
    def place(self, storage, name):
        return Place(storage, name)

    @pytest.fixture
    def name(self, tmp_path):
        return f"{tmp_path.name}/made [on] the way/*file?"

    @pytest.fixture
    def sink(self, place):
        sink = sink_for(place)
        assert isinstance(sink, StorageSink)
        return sink

    @pytest.fixture
    def arrived(self, storage, name, sink, place):
        assert sink.path == str(place)
        return lambda: storage.cat_file(name) if storage.exists(name) else None

    def test_the_name_appears_only_with_commit(self, sink, arrived):
        sink.begin(None)
        fill(sink)
        assert arrived() is None
        sink.commit()
        assert arrived() == CONTENT

    def test_a_file_that_was_there_stays_as_it_was_until_commit(self, storage, name, sink, arrived):
        storage.makedirs(name.rpartition("/")[0], exist_ok=True)
        storage.pipe_file(name, b"old")
        sink.begin(None)
        fill(sink)
        assert arrived() == b"old"
        sink.commit()
        assert arrived() == CONTENT

    @pytest.mark.parametrize("end", ["commit", "discard"])
    def test_no_other_file_is_left_beside_it(self, sink, storage, name, end):
        for _ in range(3):
            sink.begin(None)
            fill(sink)
        getattr(sink, end)()
        sink.discard()
        found = storage.ls(name.rpartition("/")[0], detail=False) if end == "commit" or storage.exists(name) else []
        assert [path.rpartition("/")[2] for path in found] == (["*file?"] if end == "commit" else [])

    def test_two_downloads_to_the_same_place_do_not_disturb_each_other(self, place, arrived):
        first, second = sink_for(place), sink_for(place)
        for sink in (first, second):
            sink.begin(None)
        first.write(b"first")
        second.write(b"second")
        first.commit()
        second.discard()
        assert arrived() == b"first"

    def test_nothing_of_it_is_left_for_a_later_process(self, sink, storage, name):
        sink.begin(None)
        fill(sink)
        sink.keep()
        assert not storage.exists(name)
        assert sink.resume("key") is None

    def test_a_folder_is_refused_as_destination(self, storage):
        with pytest.raises(InvalidInput, match="'bucket://folder/' is a folder: name the file to write"):
            sink_for(Place(storage, "folder/"))

    def test_what_the_file_system_raises_is_a_sentence(self, storage, sink, monkeypatch):
        def fail(*_, **__):
            raise RuntimeError("quota\nof the bucket")

        sink.begin(None)
        monkeypatch.setattr(sink._pending.opened, "write", fail, raising=False)
        with pytest.raises(
            DestinationError, match=r"^Cannot write bucket://.*file\?: quota\\nof the bucket; it may pass"
        ) as caught:
            sink.write(b"x")
        assert caught.value.transient


def test_a_file_of_this_machine_is_taken_as_the_path_it_is(tmp_path):
    sink = sink_for(Place(LocalFileSystem(), str(tmp_path / "file")))
    assert isinstance(sink, PathSink)
    assert sink.path == str(tmp_path / "file")


def test_a_file_system_that_cannot_be_made_is_named_with_the_way_out():
    class Broken(Place):
        @property
        def fs(self):
            raise ImportError("Install s3fs to access S3")

    with pytest.raises(InvalidInput, match=r"Cannot use bucket://b/k: Install s3fs to access S3: install the provider"):
        sink_for(Broken(None, "b/k"))


@pytest.mark.parametrize(("size", "expected"), [(None, 64), (0, 8), (80 * 2**30, 9), (5 * 2**40, 525)])
def test_blocks_grow_where_there_would_be_more_than_s3_takes(size, expected):
    assert block_size(size) == expected * 2**20
    assert block_size(size) * 10_000 >= (size or 0)


def test_a_folder_of_this_machine_as_a_file_system_is_this_machine(tmp_path):
    """Files get their names there as they do by their path: at once, and after they are on the disk."""
    inner = DirFileSystem(str(tmp_path), LocalFileSystem())
    sink = sink_for(Place(DirFileSystem("folder", inner), "file"))
    assert isinstance(sink, PathSink)
    assert sink.path == str(tmp_path / "folder" / "file")
    elsewhere = DirFileSystem("/folder", MemoryFileSystem())
    assert not isinstance(sink_for(Place(elsewhere, "file")), PathSink)

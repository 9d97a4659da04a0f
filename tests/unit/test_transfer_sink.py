from __future__ import annotations

import contextlib
import io
import os
import resource
import subprocess

import pytest
from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFileSystem
from storage_place import Place

from airflow_provider_taskcluster.exceptions import DestinationError, InvalidInput, TooLarge
from airflow_provider_taskcluster.transfer.path_sink import PathSink
from airflow_provider_taskcluster.transfer.sink import (
    FileSink,
    MemorySink,
    Sink,
    WriterSink,
    sink_for,
    write_all,
)
from airflow_provider_taskcluster.transfer.storage_sink import StorageSink, block_size

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


def fill_and_commit(sink):
    fill(sink)
    sink.commit()


class TestMemory(SinkContract):
    @pytest.fixture
    def sink(self):
        return MemorySink(max_bytes=10_000)

    @pytest.fixture
    def arrived(self, sink):
        return sink.content

    def test_exactly_the_cap_fits(self):
        sink = MemorySink(max_bytes=5)
        sink.begin(5)
        sink.write(b"12345")
        assert sink.content() == b"12345"

    def test_more_than_the_cap_is_refused_as_soon_as_it_is_announced(self):
        with pytest.raises(TooLarge, match="more than the 5 bytes allowed in memory: raise max_bytes, or"):
            MemorySink(max_bytes=5).begin(6)

    def test_more_than_the_cap_is_refused_when_it_comes_unannounced(self):
        sink = MemorySink(max_bytes=5)
        sink.begin(None)
        sink.write(b"123")
        with pytest.raises(TooLarge):
            sink.write(b"456")
        assert sink.content() == b"123"

    def test_without_a_cap_there_is_no_limit(self):
        MemorySink(max_bytes=None).begin(2**60)


class TestPath(SinkContract):
    @pytest.fixture(params=[str, lambda path: path], ids=["text", "Path"])
    def sink(self, request, tmp_path):
        sink = sink_for(request.param(tmp_path / "made" / "on the way" / "file"))
        assert isinstance(sink, PathSink)
        return sink

    @pytest.fixture
    def arrived(self, sink, tmp_path):
        final = tmp_path / "made" / "on the way" / "file"
        assert sink.path == str(final)
        return lambda: final.read_bytes() if final.exists() else None

    def test_the_name_appears_only_with_commit(self, sink, arrived):
        sink.begin(None)
        fill(sink)
        assert arrived() is None
        sink.commit()
        assert arrived() == CONTENT

    def test_a_file_that_was_there_stays_as_it_was_until_commit(self, tmp_path):
        (tmp_path / "file").write_bytes(b"old")
        sink = PathSink(tmp_path / "file")
        sink.begin(None)
        fill(sink)
        assert (tmp_path / "file").read_bytes() == b"old"
        sink.discard()
        assert (tmp_path / "file").read_bytes() == b"old"
        sink.begin(None)
        fill(sink)
        sink.commit()
        assert (tmp_path / "file").read_bytes() == CONTENT

    @pytest.mark.parametrize("end", ["commit", "discard"])
    def test_no_other_file_is_left_beside_it(self, tmp_path, end):
        sink = PathSink(tmp_path / "file")
        for _ in range(3):
            sink.begin(None)
            fill(sink)
        getattr(sink, end)()
        sink.discard()
        assert os.listdir(tmp_path) == (["file"] if end == "commit" else [])  # noqa: PTH208 (names are wanted)

    def test_two_downloads_to_the_same_path_do_not_disturb_each_other(self, tmp_path):
        first, second = PathSink(tmp_path / "file"), PathSink(tmp_path / "file")
        for sink in (first, second):
            sink.begin(None)
        first.write(b"first")
        second.write(b"second")
        first.commit()
        second.discard()
        assert (tmp_path / "file").read_bytes() == b"first"

    def test_a_relative_path_works(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        sink = PathSink("file")
        sink.begin(None)
        sink.commit()
        assert (tmp_path / "file").exists()

    @pytest.mark.parametrize("folder", ["{tmp}", "{tmp}/", "{tmp}/new/", ".", "..", "/", ""])
    def test_a_folder_is_refused_as_destination(self, tmp_path, folder):
        with pytest.raises(InvalidInput, match="is a folder: name the file to write"):
            sink_for(folder.format(tmp=tmp_path))

    def test_a_path_through_a_file_is_a_clear_error_and_so_it_stays_when_discarded(self, tmp_path):
        (tmp_path / "file").touch()
        sink = PathSink(tmp_path / "file" / "below")
        with pytest.raises(DestinationError, match=r"Cannot write .*below"):
            sink.begin(None)
        sink.discard()

    def test_a_name_that_is_too_long_is_a_clear_error(self, tmp_path):
        with pytest.raises(DestinationError, match="File name too long"):
            sink_for(tmp_path / ("x" * 300))

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    def test_a_folder_without_permission_is_a_clear_error(self, tmp_path):
        (tmp_path / "locked").mkdir(mode=0o500)
        sink = PathSink(tmp_path / "locked" / "file")
        with pytest.raises(DestinationError, match="no permission to write there"):
            sink.begin(None)
        sink.discard()


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


class TestStorage(SinkContract):
    @pytest.fixture(params=["copied", "renamed"])
    def storage(self, request, tmp_path):
        """A file system that moves by copying, one that renames, neither of them on this machine as far as it knows."""
        if request.param == "copied":
            return MemoryFileSystem(skip_instance_cache=True)
        return DirFileSystem(str(tmp_path), LocalFileSystem())

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
        monkeypatch.setattr(sink._writing.opened, "write", fail, raising=False)
        with pytest.raises(DestinationError, match=r"^Cannot write bucket://.*file\?: quota of the bucket$") as caught:
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


@contextlib.contextmanager
def files_no_larger_than(size):
    """A limit of the process; the signal that comes with it is ignored by Python, so writes fail with EFBIG."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 KiB and 7 files."""
    mount = tmp_path / "disk"
    mount.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k,nr_inodes=8", "tmpfs", mount]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("only root can mount a small disk; the tests with a size limit say the same in EFBIG")
    yield mount
    subprocess.run(["umount", "--lazy", mount], check=True)


def test_a_full_disk_is_one_sentence_and_leaves_nothing(small_disk):
    sink = PathSink(small_disk / "file")
    sink.begin(None)
    with pytest.raises(DestinationError, match="the disk is full: free some space, or choose another folder") as caught:
        sink.write(bytes(1024 * 1024))
    assert caught.value.transient
    sink.discard()
    assert list(small_disk.iterdir()) == []


def test_a_full_disk_that_shows_only_at_the_end_is_a_sentence_as_well(small_disk):
    """A buffered file takes the bytes and fails when they are flushed, in commit and in every seek after it."""
    (small_disk / "filler").write_bytes(bytes(60 * 1024))
    file = (small_disk / "file").open("wb", buffering=16 * 1024)
    sink = FileSink(file)
    sink.begin(None)
    sink.write(bytes(10 * 1024))
    with pytest.raises(DestinationError, match="the disk is full"):
        sink.commit()
    sink.discard()
    (small_disk / "filler").unlink()
    file.close()


@pytest.mark.parametrize("buffering", [0, 16 * 1024], ids=["raw", "buffered"])
def test_an_open_file_that_takes_no_more_is_a_sentence_and_its_discard_quiet(tmp_path, buffering):
    file = (tmp_path / "file").open("wb", buffering=buffering)
    sink = FileSink(file)
    sink.begin(None)
    with files_no_larger_than(1000):
        with pytest.raises(DestinationError, match=r"Cannot write .*file: File too large"):
            fill_and_commit(sink)
        sink.discard()
    file.close()


def test_a_path_that_takes_no_more_is_a_sentence_and_leaves_nothing(tmp_path):
    sink = PathSink(tmp_path / "file")
    sink.begin(None)
    with files_no_larger_than(1000), pytest.raises(DestinationError, match="File too large"):
        fill(sink)
    sink.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_room_for_another_name_is_full_too(small_disk):
    with contextlib.suppress(OSError):
        for number in range(8):
            (small_disk / str(number)).touch()
    with pytest.raises(DestinationError, match="the disk is full"):
        PathSink(small_disk / "file").begin(None)


def test_a_download_that_would_not_fit_is_refused_before_it_begins(small_disk):
    with pytest.raises(DestinationError, match=r"it needs 3\.0 MiB and the disk has 0\.1 MiB left") as caught:
        PathSink(small_disk / "file").begin(3 * 1024 * 1024)
    assert caught.value.transient
    assert list(small_disk.iterdir()) == []


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


@pytest.mark.parametrize("thing", [None, 7, b"bytes", [1]], ids=repr)
def test_other_things_are_no_destination(thing):
    with pytest.raises(InvalidInput, match=rf"Cannot download into a {type(thing).__name__}: pass a path"):
        sink_for(thing)

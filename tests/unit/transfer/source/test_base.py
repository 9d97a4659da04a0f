from __future__ import annotations

import contextlib
import errno
import io
import os
import tracemalloc
from pathlib import Path

import pytest
from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFileSystem
from storage_place import Place

from airflow_provider_taskcluster.exceptions import InvalidInput, SourceError
from airflow_provider_taskcluster.transfer.source.base import (
    BytesSource,
    FactorySource,
    FileSource,
    PathSource,
    Source,
    StreamSource,
)
from airflow_provider_taskcluster.transfer.source.factory import source_for
from airflow_provider_taskcluster.transfer.source.storage import StorageSource

CONTENT = bytes(range(256)) * 20


class SourceContract:
    """What holds for every source; a test class inherits it and says how to make one with CONTENT."""

    @pytest.fixture
    def source(self, tmp_path):
        raise NotImplementedError

    def test_it_gives_its_bytes_from_the_first_to_the_last(self, source):
        with source.reading() as reader:
            assert read_all(reader) == CONTENT

    def test_it_can_be_read_again_and_again(self, source):
        for _ in range(3):
            with source.reading() as reader:
                assert read_all(reader) == CONTENT

    def test_it_begins_at_the_first_byte_after_it_was_left_in_the_middle(self, source):
        with contextlib.suppress(ConnectionError), source.reading() as reader:
            assert reader.read(7) == CONTENT[:7]
            raise ConnectionError
        with source.reading() as reader:
            assert read_all(reader) == CONTENT

    def test_a_read_gives_no_more_than_was_asked_for(self, source):
        with source.reading() as reader:
            assert reader.read(10) == CONTENT[:10]
            assert reader.read(1) == CONTENT[10:11]

    def test_if_it_can_be_open_twice_each_reader_is_at_its_own_place(self, source):
        if source.independent:
            with source.reading() as first, source.reading() as second:
                assert first.read(10) == CONTENT[:10]
                assert read_all(second) == CONTENT

    def test_if_it_knows_its_length_that_is_what_there_is_to_read(self, source):
        assert source.length() in {None, len(CONTENT)}
        with source.reading() as reader:
            assert read_all(reader) == CONTENT, "to ask for it moves nothing"

    @pytest.mark.parametrize(
        ("offset", "size"), [(0, len(CONTENT)), (0, 1), (1, 2500), (len(CONTENT) - 7, 7), (100, 0)]
    )
    def test_if_it_has_sections_each_gives_just_its_bytes_again_and_again(self, source, offset, size):
        section = source.section(offset, size)
        assert (section is None) == (source.section(0, 0) is None), "it has all of them or none"
        for _ in range(3 if section else 0):
            with section.reading() as reader:
                assert read_all(reader) == CONTENT[offset : offset + size]
                assert reader.read(1) == b""

    def test_sections_can_be_read_side_by_side(self, source):
        sections = [source.section(offset, 1000) for offset in range(0, 5000, 1000)]
        if None not in sections:
            readers = [section.open() for section in sections]
            data = b"".join(reader.read(500) for _ in range(2) for reader in readers)
            for section, reader in zip(sections, readers, strict=True):
                section.close(reader)
            halves = [CONTENT[at : at + 500] for half in (0, 500) for at in range(half, 5000, 1000)]
            assert data == b"".join(halves)

    def test_a_section_behind_the_end_is_short(self, source):
        if section := source.section(len(CONTENT) - 10, 100):
            with section.reading() as reader:
                assert read_all(reader) == CONTENT[-10:]

    def test_it_can_name_itself_in_an_error(self, source):
        assert source.description
        assert (source.section(0, 1) or source).description == source.description

    def test_it_is_taken_as_it_is(self, source):
        assert isinstance(source, Source)
        assert source_for(source) is source


def read_all(reader):
    return b"".join(iter(lambda: reader.read(1000), b""))


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


class Chunks:
    """A reader with no more than it must have."""

    def __init__(self):
        self._rest = CONTENT

    def read(self, size):
        size = min(size, 100)
        data, self._rest = self._rest[:size], self._rest[size:]
        return data


class FileOfItsOwn(io.BytesIO):
    """A class is a function that makes its readers, and has the methods of a file."""

    def __init__(self):
        super().__init__(CONTENT)


class TestFactory(SourceContract):
    @pytest.fixture(
        params=[Chunks, lambda: io.BytesIO(CONTENT), FileOfItsOwn], ids=["a bare reader", "a file", "a class of files"]
    )
    def source(self, request):
        source = source_for(request.param)
        assert isinstance(source, FactorySource)
        return source

    def test_a_reader_that_can_be_closed_is_closed(self):
        with source_for(lambda: io.BytesIO(CONTENT)).reading() as reader:
            pass
        assert reader.closed


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


@pytest.mark.parametrize("thing", [None, 7, [b"a"], {"a": 1}], ids=repr)
def test_other_things_cannot_be_uploaded(thing):
    with pytest.raises(InvalidInput, match=f"Cannot upload a {type(thing).__name__}: pass bytes, a path"):
        source_for(thing)

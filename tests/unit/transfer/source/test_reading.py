from __future__ import annotations

import io
import os

import pytest

from airflow_provider_taskcluster.exceptions import Interrupted, InvalidInput
from airflow_provider_taskcluster.transfer.source.abortable import AbortableSource
from airflow_provider_taskcluster.transfer.source.base import BytesSource, FactorySource, PathSource, SectionSource
from airflow_provider_taskcluster.transfer.source.reading import blocks, fill, has_more, read_up_to
from airflow_provider_taskcluster.transfer.threads.buffers import Failure

DATA = bytes(range(100))


class OnlyReads:
    def __init__(self):
        self._file = io.BytesIO(DATA)

    def read(self, size):
        return self._file.read(min(size, 3))


class Upper(io.BytesIO):
    """What a progress bar does: it is a file with another ``read``."""

    def read(self, size=-1):
        return super().read(size).upper()


def sources(path):
    path.write_bytes(DATA)
    whole = PathSource(path)
    return {
        "bytes": BytesSource(DATA),
        "path": whole,
        "section": SectionSource(whole, 0, len(DATA)),
        "buffered": FactorySource(lambda: path.open("rb")),
        "only reads": FactorySource(OnlyReads),
        "ending": AbortableSource(whole.section(0, len(DATA)), Failure()),
    }


@pytest.mark.parametrize("kind", ["bytes", "path", "section", "buffered", "only reads", "ending"])
@pytest.mark.parametrize("size", [1, 7, 100, 1000])
def test_every_reader_fills_a_buffer_until_its_end(tmp_path, kind, size):
    buffer = memoryview(bytearray(size))
    found = bytearray()
    with sources(tmp_path / "file")[kind].reading() as reader:
        while count := fill(reader, buffer):
            found += buffer[:count]
        assert fill(reader, buffer) == 0
    assert found == DATA


def test_a_section_ends_where_it_ends(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(DATA)
    buffer = memoryview(bytearray(1000))
    with SectionSource(PathSource(path), 10, 20).reading() as reader:
        assert reader.read(5) == DATA[10:15]
        assert fill(reader, buffer) == 15
        assert reader.read(5) == b""
    assert buffer[:15] == DATA[15:30]


def test_a_large_file_of_a_folder_is_read_in_sections_which_end_with_the_upload_of_the_folder(tmp_path):
    """In place, not into memory part by part."""
    path, failure = tmp_path / "file", Failure()
    path.write_bytes(DATA)
    section = AbortableSource(PathSource(path), failure).section(10, 20)
    with section.reading() as reader:
        assert reader.read(5) == DATA[10:15]
        failure.set(RuntimeError("another file failed"))
        with pytest.raises(Interrupted):
            reader.read(5)
    assert AbortableSource(FactorySource(OnlyReads), failure).section(10, 20) is None


def test_a_file_whose_read_was_changed_is_read_by_it():
    buffer = memoryview(bytearray(10))
    assert fill(Upper(b"abc"), buffer) == 3
    assert buffer[:3] == b"ABC"


def test_blocks_are_all_of_a_reader_in_memory_that_is_used_again():
    data = bytes(range(256)) * 10_000
    with BytesSource(data).reading() as reader:
        found = [(bytes(block), block.obj) for block in blocks(reader)]
    assert b"".join(content for content, _ in found) == data
    assert [len(content) for content, _ in found] == [1 << 20, 1 << 20, len(data) - (2 << 20)]
    assert len({id(memory) for _, memory in found}) == 1


@pytest.fixture
def silent():
    """The end of a pipe that does not wait for bytes: some are there, and the writer is not done."""
    receiver, sender = os.pipe()
    os.set_blocking(receiver, False)
    os.write(sender, b"first")
    yield receiver
    os.close(sender)


@pytest.mark.parametrize("buffering", [0, -1], ids=["raw", "buffered"])
@pytest.mark.parametrize(
    "read", [lambda reader: read_up_to(reader, 100), lambda reader: list(blocks(reader))], ids=["held", "blocks"]
)
def test_that_nothing_is_there_now_is_not_the_end(silent, buffering, read):
    with os.fdopen(silent, "rb", buffering) as reader, pytest.raises(InvalidInput, match="open in non-blocking mode"):
        read(reader)


def test_that_nothing_is_there_now_is_not_the_end_of_other_readers_either():
    class Wrapped:
        def read(self, size):
            return None

    for ask in (lambda: fill(Wrapped(), memoryview(bytearray(1))), lambda: has_more(Wrapped())):
        with pytest.raises(InvalidInput, match="is not at its end"):
            ask()


@pytest.mark.parametrize("kind", ["bytes", "path", "section", "buffered", "only reads", "ending"])
def test_so_many_bytes_are_held_or_what_there_is(tmp_path, kind):
    with sources(tmp_path / "file")[kind].reading() as reader:
        assert read_up_to(reader, 60) == DATA[:60]
        assert has_more(reader)
        assert read_up_to(reader, 60) == DATA[61:]
        assert not has_more(reader)
        assert read_up_to(reader, 60) == b""

from __future__ import annotations

import os

import pytest

from airflow_provider_taskcluster.exceptions import HashMismatch
from airflow_provider_taskcluster.transfer.parts_manifest import Part
from airflow_provider_taskcluster.transfer.sink.base import MemorySink
from airflow_provider_taskcluster.transfer.sink.part import PartSink
from airflow_provider_taskcluster.transfer.sink.partial_file import PathSink

BEFORE, CONTENT, AFTER = b"<" * 7, os.urandom(1000), b">" * 9
PART = Part("a.part-0f-00001", len(BEFORE), len(CONTENT), "ab" * 32, "cd" * 64)


class AnyPlace:
    """A path, into which parts are written in any order."""

    def __init__(self, folder):
        self._file = folder / "whole"
        self.sink = PathSink(self._file)
        self.sink.begin(None)
        self.sink.reserve(len(BEFORE + CONTENT + AFTER))
        self.sink.write_at(len(BEFORE + CONTENT), memoryview(AFTER))
        self.sink.write_at(0, memoryview(BEFORE))
        self.window = PartSink(self.sink, PART)

    def arrived(self):
        self.sink.commit()
        return self._file.read_bytes()


class InOrder:
    """Memory, which takes bytes in order only."""

    def __init__(self):
        self.sink = MemorySink()
        self.sink.begin(None)
        self.sink.write(BEFORE)
        self.passed = bytearray()
        self.window = PartSink(self.sink, PART, self.passed.extend)

    def arrived(self):
        assert self.passed == CONTENT, "what passed is what was written"
        self.sink.write(AFTER)
        return self.sink.content()


@pytest.fixture(params=["any place", "in order"])
def whole(request, tmp_path):
    whole = AnyPlace(tmp_path) if request.param == "any place" else InOrder()
    yield whole
    whole.sink.discard()


@pytest.fixture
def window(whole):
    return whole.window


def fill(window, data=CONTENT, step=300):
    for start in range(0, len(data), step):
        window.write(data[start : start + step])


@pytest.mark.parametrize("size", [None, len(CONTENT)])
def test_a_part_comes_to_its_place(whole, window, size):
    window.begin(size)
    fill(window)
    window.commit()
    assert whole.arrived() == BEFORE + CONTENT + AFTER


@pytest.mark.parametrize("after", [0, 1, 300, 599, 600, 1000])
def test_a_part_may_begin_again(whole, window, after):
    window.begin(len(CONTENT))
    fill(window, CONTENT[:after])
    window.begin(len(CONTENT))
    fill(window, CONTENT[: after // 2], step=77)
    window.begin(None)
    fill(window, step=123)
    window.commit()
    assert whole.arrived() == BEFORE + CONTENT + AFTER


def test_a_buffer_may_be_used_again_after_the_call(whole, window):
    window.begin(None)
    buffer = bytearray(CONTENT)
    window.write(memoryview(buffer))
    buffer[:] = bytes(len(buffer))
    window.commit()
    assert whole.arrived() == BEFORE + CONTENT + AFTER


@pytest.mark.parametrize("size", [0, len(CONTENT) - 1, len(CONTENT) + 1])
def test_a_body_of_another_length_is_refused_before_a_byte_is_written(window, size):
    with pytest.raises(HashMismatch, match=rf"'a.part-0f-00001' has {size} bytes, and the manifest says 1000"):
        window.begin(size)


def test_a_part_does_not_write_into_the_next(whole, window):
    """Where the store does not say how long the body is."""
    window.begin(None)
    fill(window, CONTENT[:-1])
    with pytest.raises(HashMismatch, match="has more than the 1000 bytes that the manifest says"):
        window.write(CONTENT[-1:] + b"!")
    window.write(CONTENT[-1:])
    assert whole.arrived() == BEFORE + CONTENT + AFTER


@pytest.mark.parametrize("there", [0, 1, 999])
def test_a_part_that_ends_early_is_refused(window, there):
    window.begin(None)
    fill(window, CONTENT[:there])
    with pytest.raises(HashMismatch, match=f"has {there} bytes, and the manifest says 1000"):
        window.commit()


def test_a_part_leaves_nothing_of_its_own_and_takes_nothing_of_the_whole(whole, window):
    window.begin(len(CONTENT))
    fill(window)
    window.keep()
    window.discard()
    assert whole.arrived() == BEFORE + CONTENT + AFTER


def test_it_has_no_record_of_its_own(window, tmp_path):
    assert window.resume("key") is None
    assert not window.seekable
    assert window.content() is None


def test_a_thread_that_comes_late_does_not_write_to_what_has_the_descriptor_now(tmp_path):
    whole = AnyPlace(tmp_path)
    number = whole.sink._opened().fileno()
    whole.sink.discard()
    with tmp_path.joinpath("folder's").open("wb"), (tmp_path / "other").open("wb") as other:
        assert other.fileno() == number, "the lowest that is free, next to that of the folder"
        with pytest.raises(AssertionError):
            whole.window.write(CONTENT)
    assert (tmp_path / "other").read_bytes() == b""

from __future__ import annotations

import errno
import itertools
import os
import sys
from pathlib import Path

import pytest

from airflow_provider_taskcluster.transfer.sink import file_writer
from airflow_provider_taskcluster.transfer.sink.file_writer import SAMPLE_SIZE, UNCACHED, FileWriter

BLOCK = os.urandom(1 << 20)
COUNT = 3 * SAMPLE_SIZE // len(BLOCK)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is no other way to write elsewhere")


@pytest.fixture
def flags(monkeypatch):
    """With which flags was written."""
    seen = []
    true = os.pwritev

    def pwritev(file, buffers, offset, flags=0):
        seen.append(flags)
        return true(file, buffers, offset, flags)

    monkeypatch.setattr(file_writer.os, "pwritev", pwritev)
    return seen


def pages_cost(monkeypatch, seconds):
    """Let each write of a block take so much processor time."""
    clock = itertools.count()
    monkeypatch.setattr(file_writer.time, "thread_time", lambda: next(clock) * seconds)


def write(path):
    with path.open("w+b", buffering=0) as file:
        writer = FileWriter(file.fileno())
        for number in range(COUNT):
            writer.write_at(number * len(BLOCK), BLOCK)
        return os.pread(file.fileno(), len(BLOCK), (COUNT - 1) * len(BLOCK)), os.fstat(file.fileno()).st_size


def test_where_pages_are_cheap_all_goes_through_the_cache(tmp_path, monkeypatch, flags):
    pages_cost(monkeypatch, 0.25 / 1024)
    assert write(tmp_path / "file") == (BLOCK, COUNT * len(BLOCK))
    assert flags == []


def test_where_pages_are_dear_the_rest_goes_past_the_cache(tmp_path, monkeypatch, flags):
    pages_cost(monkeypatch, 2.5 / 1024)
    assert write(tmp_path / "file") == (BLOCK, COUNT * len(BLOCK))
    assert set(flags) == {UNCACHED}
    assert len(flags) <= COUNT - SAMPLE_SIZE // len(BLOCK)  # one only, where the file system refuses


@pytest.mark.parametrize("refusal", [errno.EOPNOTSUPP, errno.EINVAL])
def test_a_system_that_does_not_know_it_is_asked_once(tmp_path, monkeypatch, refusal):
    asked = []

    def refuse(*_):
        asked.append(1)
        raise OSError(refusal, os.strerror(refusal))

    monkeypatch.setattr(file_writer.os, "pwritev", refuse)
    pages_cost(monkeypatch, 2.5 / 1024)
    assert write(tmp_path / "file") == (BLOCK, COUNT * len(BLOCK))
    assert asked == [1]


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="there is no file system in memory")
def test_on_a_file_system_in_memory_it_works_as_well(monkeypatch):
    pages_cost(monkeypatch, 2.5 / 1024)
    path = Path(f"/dev/shm/taskcluster-test-{os.getpid()}")
    try:
        assert write(path) == (BLOCK, COUNT * len(BLOCK))
    finally:
        path.unlink()


def test_a_full_disk_is_an_error_past_the_cache_too(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(file_writer.os, "pwritev", full)
    pages_cost(monkeypatch, 2.5 / 1024)
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path / "file")

"""Destinations without space: full disks, and limited file sizes."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess

import pytest
from sink_contract import fill

from airflow_provider_taskcluster.exceptions import DestinationError
from airflow_provider_taskcluster.transfer.sink.base import FileSink
from airflow_provider_taskcluster.transfer.sink.partial_file import PathSink


def fill_and_commit(sink):
    fill(sink)
    sink.commit()


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

"""Downloads that resume a partial file on a disk that has become full."""

from __future__ import annotations

import os
import subprocess

import pytest
from multipart_objects import PART, place, upload_in_parts

from airflow_provider_taskcluster.emulator.store.faults import Cut, Status
from airflow_provider_taskcluster.exceptions import DestinationError, TransferError
from airflow_provider_taskcluster.transfer.config import MIB

DATA = os.urandom(4 * PART)


@pytest.fixture
def disk(tmp_path):
    """A file system slightly larger than the object."""
    mount = tmp_path / "disk"
    mount.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={len(DATA) + MIB}", "tmpfs", mount]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("only root can mount a small disk")
    yield mount
    subprocess.run(["umount", "--lazy", mount], check=True)


@pytest.fixture(params=["one body", "in parts"])
def half(request, connect, name, expires, tc, disk):
    """A download that stopped halfway."""
    hook = connect(extra={"max_retries": 0})
    if request.param == "in parts":
        parts = upload_in_parts(hook, DATA, name, expires)
        tc.faults.add(Status(503), method="GET", path=place(parts[2]))
    else:
        hook.upload_object(DATA, name, expires=expires)
        tc.faults.add(Cut(2 * PART), method="GET")
    with pytest.raises(TransferError):
        hook.download_object(name, disk / "copy", connections=1)
    assert len(list(disk.iterdir())) == 2
    tc.journal.clear()
    return hook


def leave(disk, free):
    there = os.statvfs(disk)
    with (disk / "filler").open("wb") as filler:
        filler.write(bytes(there.f_bavail * there.f_frsize - free))


def test_room_for_what_is_still_missing_is_enough(half, name, disk):
    leave(disk, 2 * PART + 64 * 1024)
    half.download_object(name, disk / "copy", connections=1)
    assert (disk / "copy").read_bytes() == DATA


def test_without_room_for_what_is_still_missing_nothing_is_fetched(half, name, disk, tc):
    leave(disk, PART)
    with pytest.raises(DestinationError, match=f"it needs {2 * PART / MIB:.1f} MiB and the disk has"):
        half.download_object(name, disk / "copy", connections=1)
    assert not [entry for entry in tc.journal.entries(origin="store") if entry.sent > PART // 2]
    assert [file.name for file in disk.iterdir()] == ["filler"]

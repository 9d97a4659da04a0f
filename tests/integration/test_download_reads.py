"""Downloaded files are not read again for hashing."""

from __future__ import annotations

import io
import os

import pytest

from airflow_provider_taskcluster.transfer.download import plan
from airflow_provider_taskcluster.transfer.download.plan import SEGMENT
from airflow_provider_taskcluster.transfer.sink.directory import Directory

DATA = os.urandom(5 * SEGMENT)


@pytest.fixture
def write_only(monkeypatch):
    """Open partial files for writing only; gives the names of these files."""
    opened = []
    open_to_update = Directory.open_to_update

    def open_to_write(folder, name):
        opened.append(name)
        with open_to_update(folder, name) as file:
            return io.FileIO(os.open(f"/proc/self/fd/{file.fileno()}", os.O_WRONLY), "w")

    monkeypatch.setattr(Directory, "open_to_update", open_to_write)
    monkeypatch.setattr(plan, "FAST_ENOUGH", float("inf"))
    return opened


@pytest.mark.parametrize("connections", [1, 8])
def test_an_object_is_verified_from_what_was_received(hook, name, expires, tmp_path, write_only, connections):
    hook.upload_object(DATA, name, expires=expires)
    result = hook.download_object(name, tmp_path / "copy", connections=connections)
    assert result.verified == "sha256+sha512"
    assert (tmp_path / "copy").read_bytes() == DATA
    assert len(write_only) == 1


@pytest.mark.parametrize("connections", [1, 8])
@pytest.mark.parametrize("gzipped", [False, True])
def test_the_sums_of_an_artifact_that_are_asked_for_are_too(hook, run, tmp_path, write_only, connections, gzipped):
    run.add("public/a", DATA, storage_type="s3", gzipped=gzipped)
    copy = tmp_path / "copy"
    digests = hook.download_artifact(run.task_id, "public/a", copy, connections=connections, digests=["sha1"]).digests
    assert set(digests) == {"sha1"}
    assert copy.read_bytes() == DATA
    assert len(write_only) == 1

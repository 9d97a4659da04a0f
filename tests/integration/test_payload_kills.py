"""A payload download that is killed, and the next one in the same folder."""

from __future__ import annotations

import os
import time

import pytest

from airflow_provider_taskcluster.transfer.payload.manifest import JOURNAL

KILLED = """
import sys
from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
task_id, folder = sys.argv[1:]
TaskclusterHook("tc_test").open_payload(task_id).download(folder, files=2, connections=2)
"""
COUNT = 100


@pytest.mark.parametrize("storage_type", ["s3", "object"])
def test_only_what_is_missing_is_fetched_after_a_kill(hook, run, tc, tmp_path, preloaded, storage_type):
    contents = {f"public/{number % 7}/{number}.bin": os.urandom(30_000) for number in range(COUNT)}
    for name, data in contents.items():
        run.add(name, data, storage_type=storage_type)
    folder = tmp_path / "folder"
    tc.journal.clear()  # the system gives the ports of connections that have ended to others
    with preloaded.running(KILLED, run.task_id, folder):
        end = time.monotonic() + 60
        while time.monotonic() < end and len(written(folder)) < COUNT // 4:
            time.sleep(0.01)
    finished = len(written(folder))
    assert COUNT // 4 <= finished < COUNT, "it was killed in the middle"
    with (folder / JOURNAL).open("ab") as journal:
        journal.write(b'\n{"torn')
    of_the_dead = {entry.connection for entry in tc.journal.entries(origin="store")}  # a last request may come late
    result = hook.open_payload(run.task_id).download(folder)
    assert {file.name for file in result.files} == set(contents)
    assert len(result.transferred) <= COUNT - finished + 2, "files that were there and not yet written down"
    fetched = [e for e in tc.journal.entries(origin="store", method="GET") if e.connection not in of_the_dead]
    assert len(fetched) == len(result.transferred)
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.bin")}
    assert found == contents
    assert {path.name for path in folder.iterdir() if path.is_file()} - {"taskcluster-payload.json"} == set()
    assert not [path for path in folder.rglob(".taskcluster-*") if path.stat().st_size], "no partial file of it is left"


def written(folder):
    """Lines of the journal of what is whole and verified."""
    journal = folder / JOURNAL
    return journal.read_bytes().splitlines()[1::2] if journal.exists() else []

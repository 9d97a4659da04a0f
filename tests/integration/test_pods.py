"""What the page on KubernetesExecutor says: pods that die, records in a bucket, and folders that are read-only."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath
from multipart_tries import DATA, Tries, sent

from airflow_provider_taskcluster.emulator.store.faults import Stall
from airflow_provider_taskcluster.exceptions import Interrupted

ROOT = Path(__file__).parents[2]
NOBODY = 65534

# A task in a pod that can write to its volume alone. A test that runs as root does the work once as root, since modules
# are imported on first use, and ``nobody`` may have no right to read them. Then it does it again as ``nobody``.
IN_A_POD = """
import contextlib, os, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from airflow_provider_taskcluster.fs.filesystem import TaskclusterFileSystem
from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
name, task_id, volume, nobody = sys.argv[1:]

def work(name, volume):
    data, expires = os.urandom(300_000), datetime.now(UTC) + timedelta(days=1)
    with contextlib.closing(TaskclusterHook("tc_test")) as hook:
        hook.upload_object(
            data, name, expires=expires, multipart="always", part_size=100_000, recorder=f"{volume}/records"
        )
        hook.download_object(name, f"{volume}/copy")
        assert Path(volume, "copy").read_bytes() == hook.read_object(name) == data
        assert hook.open_payload(task_id).download(f"{volume}/payload").files
    with TaskclusterFileSystem("tc_test", skip_instance_cache=True).open(f"objects/{name}") as file:
        assert file.read() == data

if os.getuid() == 0:
    work(f"{name}-by-root", f"{volume}/of-root")
    os.setgroups([])
    os.setgid(int(nobody))
    os.setuid(int(nobody))
for folder in (Path.home(), Path.cwd()):
    assert not os.access(folder, os.W_OK), folder
work(name, f"{volume}/of-pod")
print("done")
"""


@pytest.fixture
def volume():
    """A folder that the user ``nobody`` may use, too; pytest's are private."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        Path(folder, "of-pod").mkdir()
        Path(folder, "of-pod").chmod(0o777)
        yield Path(folder)


def test_only_the_volume_needs_to_be_writable(hook, run, name, volume):
    run.add("public/a.txt", b"x")
    (read_only := volume / "image").mkdir(mode=0o555)
    environment = {
        **{key: value for key, value in os.environ.items() if key.startswith(("AIRFLOW__", "AIRFLOW_CONN_", "PATH"))},
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(read_only),
        "AIRFLOW_HOME": str(volume / "airflow"),
        "TMPDIR": str(volume),
    }
    command = [sys.executable, "-c", IN_A_POD, name, run.task_id, volume, str(NOBODY)]
    done = subprocess.run(
        command, cwd=read_only, env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.stdout.endswith("done\n"), done.stdout + done.stderr
    assert list(read_only.iterdir()) == []
    left = {path.name for path in volume.iterdir()}
    assert left <= {"image", "airflow", "of-root", "of-pod"}, "no temporary file is left"
    assert {path.name for path in (volume / "of-pod").iterdir()} == {"records", "copy", "payload"}
    assert list((volume / "of-pod/records").iterdir()) == []


def test_another_pod_goes_on_with_an_upload_by_records_in_a_bucket(connect, name, expires, tc, tmp_path, bucket):
    tries = Tries(connect, name, expires, temporary=True, folder=ObjectStoragePath(f"{bucket}/records"))
    source = tmp_path / "source"
    source.write_bytes(DATA)
    tries.leave(source, [0, 2])
    assert len(tries.records) == 2, "the key and the part size"
    tc.journal.clear()
    tries.upload(source)
    assert sorted(sent(tc)) == [1, 3, 4]
    assert tries.content() == DATA
    assert tries.records == []


def test_a_download_into_a_bucket_that_a_pod_did_not_finish_starts_over(connect, name, expires, tc, bucket):
    first, second = connect(), connect()
    first.upload_object(DATA, name, expires=expires)
    tc.journal.clear()
    tc.faults.add(Stall(100_000), method="GET")
    timer = threading.Timer(0.5, first.stop)
    timer.start()
    with pytest.raises(Interrupted):
        first.download_object(name, ObjectStoragePath(f"{bucket}/copy"))
    timer.join()
    assert not ObjectStoragePath(f"{bucket}/copy").exists()
    tc.journal.clear()
    second.download_object(name, ObjectStoragePath(f"{bucket}/copy"))
    assert ObjectStoragePath(f"{bucket}/copy").read_bytes() == DATA
    assert sum(entry.sent for entry in tc.journal.entries(origin="store", method="GET")) == len(DATA)


def test_a_download_on_a_volume_goes_on_in_the_next_pod(connect, name, expires, tc, tmp_path):
    data = os.urandom(32 << 20)
    first, second = connect(), connect()
    first.upload_object(data, name, expires=expires)
    tc.faults.add(Stall(20 << 20), method="GET")
    timer = threading.Timer(1.0, first.stop)
    timer.start()
    with pytest.raises(Interrupted):
        first.download_object(name, tmp_path / "copy", connections=1)
    timer.join()
    tc.journal.clear()
    second.download_object(name, tmp_path / "copy", connections=1)
    assert (tmp_path / "copy").read_bytes() == data
    assert sum(entry.sent for entry in tc.journal.entries(origin="store", method="GET")) < len(data)

"""State of the disk after a power loss, during a transfer and after its success."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from contextlib import contextmanager

import power_loss
import pytest

from airflow_provider_taskcluster.emulator.store.faults import Drip
from airflow_provider_taskcluster.emulator.worker import Worker
from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
from airflow_provider_taskcluster.transfer.upload.recorder import UploadRecord, load, recorder_for, save

pytestmark = pytest.mark.slow

MIB = 1 << 20
DATA = os.urandom(24 * MIB)
SMALL = {f"public/{number % 3}/{number}.bin": os.urandom(20_000 + number) for number in range(60)}
# Makes one call of the hook, with JSON of its arguments, and says so when it has returned.
CALL = """
import json, os, sys
from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
from airflow_provider_taskcluster.transfer.download import plan
plan.FAST_ENOUGH = float("inf")
hook = TaskclusterHook("tc_power")
print("begins", flush=True)
%s
print("done", flush=True)
sys.stdin.read()
"""
ARTIFACT = "hook.download_artifact(sys.argv[1], 'public/a', sys.argv[2], connections=int(sys.argv[3]))"
PAYLOAD = "hook.open_payload(sys.argv[1]).download(sys.argv[2], files=2)"
EXTRACT = "hook.extract_archive(sys.argv[1], sys.argv[2])"


@pytest.fixture
def disk(tmp_path):
    with power_loss.new_disk(tmp_path, 96 * MIB) as disk:
        yield disk


@pytest.fixture
def connect(tc, monkeypatch):
    hooks = []

    def make(**extra):
        connection = {"conn_type": "taskcluster", "host": tc.root_url, "login": tc.client_id}
        connection |= {"password": tc.access_token, "extra": {"project_id": "tests", **extra}}
        monkeypatch.setenv("AIRFLOW_CONN_TC_POWER", json.dumps(connection))
        hooks.append(TaskclusterHook("tc_power"))
        return hooks[-1]

    yield make
    tc.faults.clear()
    for hook in hooks:
        hook.close()


@pytest.fixture
def publish(tc):
    """Publish artifacts of a task; its id."""

    def make(contents, storage_type):
        worker = Worker(tc.root_url, {"clientId": tc.client_id, "accessToken": tc.access_token})
        return worker.run_task(contents, storage_type=storage_type).task_id

    return make


@contextmanager
def calling(call, *arguments):
    """Let a process of its own make a call; it has begun, and lives until the end of the block."""
    command = [sys.executable, "-c", CALL % call, *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ, text=True) as child:
        try:
            while (line := child.stdout.readline()) != "begins\n":
                assert line, "it has ended before it began"
            yield child
        finally:
            child.kill()


def wait_until_done(child):
    while (line := child.stdout.readline()) != "done\n":
        assert line, "it has failed"


@contextmanager
def after_power_loss(disk, child):
    """The disk as it would be had the power been lost now."""
    child.send_signal(signal.SIGSTOP)
    try:
        with disk.after_power_loss() as folder:
            yield folder
    finally:
        child.send_signal(signal.SIGCONT)


def wait_for(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def promised_offset(record):
    """Bytes that a record promises: none where the power took its contents."""
    try:
        return json.loads(record.read_bytes()).get("offset", 0)
    except ValueError:
        return 0


@pytest.mark.parametrize("connections", [1, 4])
@pytest.mark.parametrize("storage_type", ["s3", "object"])
@pytest.mark.parametrize("durable", [True, False])
def test_a_download_goes_on_after_power_loss_with_nothing_but_what_is_on_disk(
    tc, connect, publish, disk, monkeypatch, storage_type, connections, durable
):
    """Without durable, too: what has no hash must not be mixed with zeros. Of what has one the record may be lost."""
    promised = durable and storage_type == "s3"
    if not durable:
        monkeypatch.setattr("airflow_provider_taskcluster.transfer.sink.partial_file.boot_id", lambda: "the next boot")
    hook, task_id = connect(durable=durable), publish({"public/a": DATA}, storage_type)
    slow = Drip(MIB // 4 // connections, 0.05)  # 5 s for all of it, less what waits in the connections
    tc.faults.add(slow, method="GET", times=1000)
    offsets = []
    with calling(ARTIFACT, task_id, disk.folder / "a", connections) as child:
        wait_for(lambda: records(disk.folder))
        for _ in range(3):
            time.sleep(0.7)  # every other time the file system's journal has been written meanwhile
            with after_power_loss(disk, child) as folder:
                tc.faults.clear()
                if (folder / "a").exists():  # this machine is slow: it was done by then
                    break
                offsets += [promised_offset(path) for path in records(folder)]
                half_written = {path.name for path in folder.glob(".taskcluster-*.new")}
                assert all(offsets) or not promised
                assert hook.download_artifact(task_id, "public/a", folder / "a").size == len(DATA)
                assert (folder / "a").read_bytes() == DATA
                left = {path.name for path in folder.iterdir() if path.name.startswith(".taskcluster")}
                assert left == half_written, "nothing but records that were being written: they are swept after a day"
                tc.faults.add(slow, method="GET", times=1000)
        wait_until_done(child)
        assert (disk.folder / "a").read_bytes() == DATA
    assert offsets or not promised, "no record survived in the middle"


def records(folder):
    return list(folder.glob(".taskcluster-*.json"))


@pytest.mark.parametrize("storage_type", ["s3", "object"])
def test_a_download_that_was_a_success_is_on_disk(connect, publish, disk, storage_type):
    connect()
    task_id = publish({"public/a": DATA}, storage_type)
    with calling(ARTIFACT, task_id, disk.folder / "new" / "folder" / "a", 4) as child:
        wait_until_done(child)
        with after_power_loss(disk, child) as folder:
            assert (folder / "new" / "folder" / "a").read_bytes() == DATA


def test_without_durable_it_is_not_and_so_these_tests_can_fail(connect, publish, disk):
    connect(durable=False)
    task_id = publish({"public/a": DATA[:MIB]}, "s3")
    for number in range(5):  # somebody else may sync all disks just then
        with calling(ARTIFACT, task_id, disk.folder / str(number), 1) as child:
            wait_until_done(child)
            with after_power_loss(disk, child) as folder:
                file = folder / str(number)
                if not file.exists() or file.read_bytes() != DATA[:MIB]:
                    return
    raise AssertionError("nothing was lost, though nothing was synced")


def everything(folder):
    return {f"public/{path.relative_to(folder)}": path.read_bytes() for path in folder.rglob("*.bin")}


@pytest.mark.parametrize("storage_type", ["s3", "object"])
def test_a_payload_that_was_a_success_is_on_disk_with_its_manifest(tc, connect, publish, disk, storage_type):
    hook, task_id = connect(), publish(SMALL, storage_type)
    with calling(PAYLOAD, task_id, disk.folder / "payload") as child:
        wait_until_done(child)
        with after_power_loss(disk, child) as folder:
            assert everything(folder / "payload" / "public") == SMALL
            manifest = json.loads((folder / "payload" / "taskcluster-payload.json").read_text())
            assert {file["name"] for file in manifest["files"]} == set(SMALL)
            assert not hook.open_payload(task_id).download(folder / "payload").transferred


@pytest.mark.parametrize("storage_type", ["s3", "object"])
def test_a_payload_goes_on_after_power_loss_and_no_file_of_it_is_wrong(tc, connect, publish, disk, storage_type):
    hook, task_id = connect(), publish(SMALL, storage_type)
    tc.faults.add(Drip(5_000, 0.03), method="GET", times=1000)
    with calling(PAYLOAD, task_id, disk.folder / "payload") as child:
        wait_for(lambda: len(everything(disk.folder)) > len(SMALL) // 3)
        with after_power_loss(disk, child) as folder:
            survived = everything(folder / "payload" / "public")
            assert survived.items() <= SMALL.items()
            assert survived
            tc.faults.clear()
            result = hook.open_payload(task_id).download(folder / "payload")
            assert len(result.transferred) < len(SMALL)
            assert everything(folder / "payload" / "public") == SMALL


def test_an_archive_that_was_extracted_is_on_disk(connect, disk, tmp_path):
    connect()
    for name, content in SMALL.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    with tarfile.open(tmp_path / "archive.tar", "w") as archive:
        archive.add(tmp_path / "public", "public")
    with calling(EXTRACT, tmp_path / "archive.tar", disk.folder / "new" / "folder") as child:
        wait_until_done(child)
        with after_power_loss(disk, child) as folder:
            assert everything(folder / "new" / "folder" / "public") == SMALL


def test_the_record_of_an_upload_is_on_disk_before_anything_is_sent(disk):
    record = UploadRecord("https://tc.example.com", "p", "name", 2**43, 1, "a" * 64, key="secret")
    save(recorder_for(disk.folder / "records"), record)
    with disk.after_power_loss() as folder:
        assert load(recorder_for(folder / "records"), record.slot) == record

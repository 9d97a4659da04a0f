"""Formats that outlive a process, as the present code writes them, and as earlier versions wrote them.

``tests/formats/<version>/`` has a file of JSON for each format. ``WRITE_FORMATS=1`` in the environment of
``test_formats.py`` writes the folder of the present version (see CONTRIBUTING.md).
"""

from __future__ import annotations

import json
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from multipart_tries import Kept, Tries
from packaging.version import Version

from airflow_provider_taskcluster import __version__
from airflow_provider_taskcluster.tasks.task_ids import (
    Origin,
    derived_group_id,
    derived_label_id,
    derived_task_id,
    stable_key,
)
from airflow_provider_taskcluster.transfer.download.plan import SEGMENT
from airflow_provider_taskcluster.transfer.payload.manifest import JOURNAL
from airflow_provider_taskcluster.transfer.upload.parts import generation_of
from airflow_provider_taskcluster.transfer.upload.recorder import StateStoreRecorder
from airflow_provider_taskcluster.transfer.upload.upload_id import derive_upload_id
from airflow_provider_taskcluster.triggers.events import TaskclusterIndexEventTrigger, TaskclusterObjectEventTrigger
from airflow_provider_taskcluster.triggers.run_trigger import TaskclusterRunTrigger, TaskclusterTaskGroupTrigger
from airflow_provider_taskcluster.triggers.waits import TaskclusterWaitTrigger
from airflow_provider_taskcluster.waits.conditions.artifacts import ArtifactWait
from airflow_provider_taskcluster.waits.conditions.group_runs import GroupRunWait
from airflow_provider_taskcluster.waits.conditions.index import IndexWait
from airflow_provider_taskcluster.waits.conditions.objects import ObjectWait
from airflow_provider_taskcluster.waits.conditions.runs import RunWait
from airflow_provider_taskcluster.waits.conditions.tasks import TaskGroupWait, TaskWait
from airflow_provider_taskcluster.waits.serialization import serialize_wait

FOLDER = Path(__file__).parents[1] / "formats"
WRITING = bool(os.environ.get("WRITE_FORMATS"))

# Contents that each version's files are about; they are not kept.
UPLOAD = Random("upload").randbytes(4 * (64 << 10) + 40_000)
DOWNLOAD = Random("download").randbytes(5 * SEGMENT)
ARTIFACTS = {f"public/{number}.bin": Random(f"{number}").randbytes(30_000) for number in range(2)}

TASK, OBJECT, PATH = "Vv4bdVVCSdCWFDqHlZ5p1A", "formats/object", "tests.formats.task"
ORIGIN = Origin("https://tc.example.com", "a_dag", "manual__1", "a_task", -1, 0)


def versions(name: str = "derived") -> list[str]:
    """Return the versions for which a format is kept, the newest last; a folder need not have all of them."""
    return sorted((file.parent.name for file in FOLDER.glob(f"*/{name}.json")), key=Version)


def read(version: str, name: str) -> Any:
    """Return a format as a version wrote it."""
    return json.loads((FOLDER / version / f"{name}.json").read_text())


def shape(value: Any) -> Any:
    """Return the keys and types of JSON; of a list, the shapes of its items."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    if isinstance(value, list):
        return [json.loads(each) for each in sorted({json.dumps(shape(each), sort_keys=True) for each in value})]
    return type(value).__name__


def write(name: str, value: Any) -> None:
    """Write a format into the folder of the present version."""
    folder = FOLDER / __version__
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(value, indent=2) + "\n")


@dataclass
class Writer:
    """Lets the present code write each format, by work that is broken off."""

    connect: Any
    tc: Any
    worker: Any
    name: str
    expires: Any
    folder: Path

    def uploads(self) -> dict[str, Any]:
        """Records of an upload in parts whose ids are random, by the recorder that keeps them, and its part 0."""
        source = self.folder / "source"
        source.write_bytes(UPLOAD)
        records = self.folder / "records"
        Tries(self.connect, self.name, self.expires, temporary=True, folder=records).leave(source, [0])
        kept = Kept()
        Tries(self.connect, f"{self.name}-kept", self.expires, temporary=True, kept=kept).leave(source, [0])
        stable_key(None, ORIGIN, StateStoreRecorder(kept), self.expires)
        files = {file.name: json.loads(file.read_text()) for file in sorted(records.iterdir())}
        return {"recorder": files, "task_state_store": {slot: json.loads(kept.texts[slot]) for slot in kept.texts}}

    def parts_manifest(self) -> Any:
        """The manifest of an object in parts, which Taskcluster keeps."""
        tries = Tries(self.connect, f"{self.name}-whole", self.expires)
        tries.upload(UPLOAD)
        blobs = self.tc.store.blobs
        with blobs.open(blobs.path("objects", tries.name)).file as file:
            return {"object": tries.name, "document": json.load(file)}

    def download(self) -> dict[str, Any]:
        """The checkpoint of a partial file."""
        hook = self.connect()
        hook.upload_object(DOWNLOAD, f"{self.name}-large", expires=self.expires)
        into = self.folder / "download"
        self._stopped(
            hook, 3 * SEGMENT, lambda: hook.download_object(f"{self.name}-large", into / "copy", connections=1)
        )
        (checkpoint,) = into.glob("*.json")
        return {"object": f"{self.name}-large", "file": checkpoint.name, "document": json.loads(checkpoint.read_text())}

    def payload(self) -> dict[str, Any]:
        """The journal of an unfinished payload, and the manifest of a whole one."""
        hook, broken, whole = self.connect(), self.folder / "broken", self.folder / "whole"
        unfinished, finished = self._published(), self._published()
        self._stopped(hook, 20_000, lambda: hook.open_payload(unfinished).download(broken, files=1), nth=2)
        self.connect().open_payload(finished).download(whole)
        lines = (broken / JOURNAL).read_text().splitlines()
        manifest = json.loads((whole / "taskcluster-payload.json").read_text())
        return {
            "journal": [_moved(json.loads(line), broken) for line in lines if line],
            "manifest": _moved(manifest, whole),
        }

    def _published(self) -> str:
        """Publish the artifacts; return the id of their task."""
        run = self.worker.claim(self.worker.create_task())
        for name, content in ARTIFACTS.items():
            run.add(name, content)
        return str(run.task_id)

    def _stopped(self, hook: Any, size: int, work: Any, nth: int = 1) -> None:
        from airflow_provider_taskcluster.emulator.store.faults import Stall
        from airflow_provider_taskcluster.exceptions import Interrupted

        self.tc.faults.add(Stall(size), method="GET", nth=nth)
        timer = threading.Timer(1.0, hook.stop)
        timer.start()
        try:
            work()
        except Interrupted:
            return
        finally:
            timer.join()
            self.tc.faults.clear()
        raise AssertionError("it was not stopped")


def _moved(document: Any, folder: Path) -> Any:
    """Return a document with another path in place of that of this machine."""
    return json.loads(json.dumps(document).replace(str(folder), "/data/payload"))


def triggers() -> list[Any]:
    """Each trigger, and each kind of wait, as a triggerer's database keeps them."""
    options: Any = {"taskcluster_conn_id": "tc_test", "interval": 0.2}
    waits = [
        ArtifactWait(task_id=TASK, names=["public/0.bin"]),
        ArtifactWait(
            task_id=TASK,
            globs=["public/*.bin"],
            run_id=0,
            require="any",
            content_type="application/octet-stream",
            min_length=1,
            wait_for_rerun=True,
        ),
        ObjectWait(names=[OBJECT]),
        TaskWait(task_ids=[TASK], states=["completed"], require="any", wait_for_rerun=True),
        TaskGroupWait(task_group_id=TASK, states=["completed"]),
        IndexWait(index_path=PATH),
        IndexWait(index_path=PATH, newer_than="2020-01-01T00:00:00.000Z"),
    ]
    made = [
        *(TaskclusterWaitTrigger(wait=serialize_wait(wait), **options) for wait in waits),
        TaskclusterWaitTrigger(
            wait=serialize_wait(waits[2]),
            deadline=4102444800.0,
            connect_timeout=5.0,
            read_timeout=5.0,
            backoff={"started": 1700000000.0, "max_wait": 0.2},
            **options,
        ),
        TaskclusterRunTrigger(wait=serialize_wait(RunWait(task_id=TASK, run_id=0)), cancel=True, **options),
        TaskclusterTaskGroupTrigger(wait=serialize_wait(GroupRunWait(task_group_id=TASK)), cancel=False, **options),
        TaskclusterIndexEventTrigger(index_path=PATH, **options),
        TaskclusterObjectEventTrigger(name=OBJECT, **options),
    ]
    return [list(trigger.serialize()) for trigger in made]


def derived(expires: Any) -> dict[str, str]:
    """Ids and names that two versions must derive alike, or the one does not find the work of the other."""
    content = {"project_id": "tests", "expires": expires, "sha256": "ab" * 32}
    return {
        "upload id": derive_upload_id("key", root_url=ORIGIN.root_url, name=OBJECT, **content),
        "generation": generation_of(part_size=64 << 20, size=1 << 30, **content),
        "task id": derived_task_id("key", ORIGIN, 1),
        "group id": derived_group_id("key", ORIGIN, 1),
        "label id": derived_label_id("key", TASK, "a label"),
        "event key": TaskclusterIndexEventTrigger(index_path=PATH)._key,
        "object event key": TaskclusterObjectEventTrigger(name=OBJECT)._key,
    }

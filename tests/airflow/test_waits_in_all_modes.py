"""A table of waits, run by Airflow in poke, reschedule and deferrable mode, with the same results."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow_lines import mend_reschedules
from taskcluster import slugId
from waits_in_a_dag import INTERVAL, MODES, SOME_LOOKS, dag_folder, run_in_a_dag

from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
from airflow_provider_taskcluster.sensors.artifacts import TaskclusterArtifactSensor
from airflow_provider_taskcluster.sensors.index import TaskclusterIndexSensor
from airflow_provider_taskcluster.sensors.objects import TaskclusterObjectSensor
from airflow_provider_taskcluster.sensors.tasks import TaskclusterTaskGroupSensor, TaskclusterTaskSensor

__all__ = ["dag_folder"]

pytestmark = pytest.mark.usefixtures("database")

UNKNOWN = str(slugId())
ARTIFACT = "public/a.txt"


@dataclass
class Case:
    """A sensor, what happens while it waits, and how it must end."""

    sensor: Any
    arguments: dict[str, Any]
    ends: str = "success"
    result: dict[str, Any] = field(default_factory=dict)
    meanwhile: Any = None
    begun: bool = False


class Scene:
    """The tasks that one test waits for, and its cases."""

    def __init__(self, tc, worker):
        self.tc, self.worker = tc, worker
        self.hook = TaskclusterHook()
        self.cases: dict[str, Case] = {}

    def add(self, name, *arguments, **options):
        self.cases[name] = Case(*arguments, **options)

    def running(self, **definition):
        return self.worker.claim(self.worker.create_task(**definition))

    def object(self, data=b"data"):
        name = f"waits/{secrets.token_hex(6)}"
        self.hook.upload_object(data, name, expires=datetime.now(UTC) + timedelta(days=1))
        return name


def takes_none(info):
    return False


def artifacts(scene):  # noqa: PLR0915 (a table)
    def wait(case, task_id, ends="success", *, meanwhile=None, result=None, **arguments):
        arguments = {"taskcluster_task_id": task_id, "name": ARTIFACT, **arguments}
        scene.add(case, TaskclusterArtifactSensor, arguments, ends, result or {}, meanwhile)

    there = scene.running()
    there.add(ARTIFACT, b"hello", content_type="text/plain")
    there.add("public/b.json", b"{}", storage_type="s3", content_type="application/json")
    there.add_error("public/broken")
    where = there.task_id
    wait("artifact_there", where, result={"name": ARTIFACT, "content_length": None, "run_id": 0})
    wait("artifact_list", where, name=[ARTIFACT, "public/b.json"], result={"count": 2})
    wait("artifact_glob", where, name=None, glob="public/*", result={"count": 2})
    wait("artifact_any", where, name=[ARTIFACT, "public/none"], require="any", result={"count": 1})
    wait("artifact_type", where, content_type="text/plain", min_length=5, result={"content_length": 5})
    wait("artifact_other_type", where, "timeout", content_type="text/html")
    wait("artifact_too_short", where, "timeout", min_length=6)
    wait("artifact_checked", where, min_length=1, check_fn=lambda info: info["content_length"] == 5)
    wait("artifact_not_taken", where, "timeout", check_fn=takes_none)
    wait("artifact_check_breaks", where, "failed", check_fn=lambda info: info["nothing"])
    wait("artifact_check_breaks_silently", where, "timeout", check_fn=lambda info: info["nothing"], silent_fail=True)
    wait("artifact_check_breaks_soft", where, "failed", check_fn=lambda info: info["nothing"], soft_fail=True)
    wait("artifact_error", where, "failed", name="public/broken")
    wait("artifact_error_soft", where, "skipped", name="public/broken", soft_fail=True)
    wait("artifact_error_never", where, "skipped", name="public/broken", never_fail=True)
    wait("artifact_error_or_other", where, name=["public/broken", ARTIFACT], require="any", result={"count": 1})
    wait("artifact_timeout", where, "timeout", name="public/none")
    wait("artifact_timeout_soft", where, "skipped", name="public/none", soft_fail=True)
    wait("artifact_no_task", UNKNOWN, "failed")
    wait("artifact_no_task_silent", UNKNOWN, "failed", silent_fail=True)
    wait("artifact_wrong_id", "x", "failed")

    later = scene.running()
    wait("artifact_later", later.task_id, meanwhile=lambda: later.add(ARTIFACT, b"x"))
    announced = scene.running()
    grant = announced.announce(ARTIFACT)

    def finish():
        announced.upload(grant, b"x")
        announced.finish(ARTIFACT, grant)

    wait("artifact_finished_later", announced.task_id, meanwhile=finish)
    never = scene.running()
    never.announce(ARTIFACT)
    wait("artifact_never_finished", never.task_id, "timeout")
    stored = scene.running()
    promise = stored.announce(ARTIFACT, storage_type="s3")
    wait("artifact_not_stored", stored.task_id, "timeout", verify_content=True)
    wait("artifact_not_stored_unverified", stored.task_id)
    assert promise["putUrl"]

    for state in ("completed", "failed", "exception"):
        ended = scene.running()
        wait(f"artifact_task_{state}", ended.task_id, "failed", meanwhile=resolved(ended, state))
    hoped = scene.running()
    wait("artifact_rerun", hoped.task_id, meanwhile=lambda: rerun(scene, hoped), wait_for_rerun=True)
    retried = scene.running()
    wait("artifact_retried", retried.task_id, meanwhile=lambda: retry(scene, retried), result={"run_id": 1})
    first = scene.running()
    first.exception("worker-shutdown")
    wait("artifact_run_over", first.task_id, "failed", run_id=0)
    wait("artifact_run_pending", first.task_id, "timeout", run_id=1)


def resolved(run, state):
    return {"completed": run.complete, "failed": run.fail, "exception": run.exception}[state]


def rerun(scene, run):
    run.fail()
    time.sleep(SOME_LOOKS)
    scene.worker.queue.rerunTask(run.task_id)
    scene.worker.claim(run.task_id).add(ARTIFACT, b"x")


def retry(scene, run):
    run.exception("worker-shutdown")
    time.sleep(SOME_LOOKS)
    scene.worker.claim(run.task_id).add(ARTIFACT, b"x")


def objects(scene):
    def wait(case, ends="success", *, meanwhile=None, result=None, **arguments):
        scene.add(case, TaskclusterObjectSensor, arguments, ends, result or {}, meanwhile)

    name, sha256 = scene.object(), hashlib.sha256(b"data").hexdigest()
    wait("object_there", name=name, result={"name": name})
    wait("object_digest", name=name, expected_digest=f"sha256:{sha256}")
    wait("object_other_digest", "failed", name=name, expected_digest="sha256:" + "0" * 64)
    wait("object_other_digest_soft", "skipped", name=name, expected_digest="sha256:" + "0" * 64, soft_fail=True)
    wait("object_list", name=[name, scene.object()], result={"count": 2})
    wait("object_any", name=[name, "waits/none"], require="any", result={"count": 1})
    wait("object_timeout", "timeout", name=[name, "waits/none"])
    wait("object_wrong_name", "failed", name="a/../b")
    later = f"waits/{secrets.token_hex(6)}"
    expires = datetime.now(UTC) + timedelta(days=1)
    wait("object_later", name=later, meanwhile=lambda: scene.hook.upload_object(b"x", later, expires=expires))
    parts, whole = f"waits/{secrets.token_hex(6)}", b"p" * 1000
    scene.hook.upload_object(whole, parts, expires=expires, multipart="always")
    digest = "sha256:" + hashlib.sha256(whole).hexdigest()
    wait("object_parts", name=parts, expected_digest={parts: digest})
    wait("object_parts_other", "failed", name=parts, expected_digest="sha256:" + "0" * 64)


def tasks(scene):
    def wait(name, task_ids, ends="success", *, meanwhile=None, result=None, **arguments):
        arguments = {"taskcluster_task_id": task_ids, **arguments}
        scene.add(name, TaskclusterTaskSensor, arguments, ends, result or {}, meanwhile)

    done, failed = scene.running(), scene.running()
    done.complete()
    failed.fail()
    wait("task_there", done.task_id, result={"state": "completed", "run_id": 0, "reason_resolved": "completed"})
    wait("task_failed", failed.task_id, "failed")
    wait("task_failed_is_good", failed.task_id, states=["failed", "exception"])
    wait("task_any", [done.task_id, failed.task_id], require="any", result={"count": 1})
    wait("task_all", [done.task_id, failed.task_id], "failed")
    wait("task_has_run", failed.task_id, states="running")
    wait("task_rerun_never_comes", failed.task_id, "timeout", wait_for_rerun=True)
    wait("task_unknown_among_others", [done.task_id, UNKNOWN], "failed")
    later = scene.running()
    wait("task_later", later.task_id, meanwhile=later.complete)
    fails = scene.running()
    wait("task_fails_later", fails.task_id, "failed", meanwhile=fails.fail)


def groups(scene):
    def wait(name, group, ends="success", *, meanwhile=None, result=None, **arguments):
        arguments = {"task_group_id": group, **arguments}
        scene.add(name, TaskclusterTaskGroupSensor, arguments, ends, result or {}, meanwhile)

    def member(of=None):
        return scene.running(**({"taskGroupId": of, "schedulerId": "waits"} if of else {"schedulerId": "waits"}))

    first = member()
    second = member(first.task_id)
    first.complete()
    second.fail()
    wait("group_there", first.task_id, result={"count": 2, "states": {"completed": 1, "failed": 1}})
    wait("group_must_complete", first.task_id, "failed", states=["completed"])
    open_one = member()
    wait("group_timeout", open_one.task_id, "timeout")
    wait("group_unknown", UNKNOWN, "failed")
    one = member()
    two = member(one.task_id)
    one.complete()

    def grow():
        three = member(one.task_id)
        two.complete()
        time.sleep(SOME_LOOKS)
        three.complete()

    wait("group_grows", one.task_id, meanwhile=grow, result={"count": 3})


def index(scene):
    def wait(name, path, ends="success", *, meanwhile=None, result=None, **arguments):
        scene.add(name, TaskclusterIndexSensor, {"index_path": path, **arguments}, ends, result or {}, meanwhile)

    def indexed(path):
        run = scene.running(routes=[f"index.{path}"])
        run.complete()
        return run.task_id

    path = f"waits.{secrets.token_hex(6)}"
    task_id = indexed(path)
    wait("index_there", path, result={"task_id": task_id})
    wait("index_newer", path, newer_than=datetime.now(UTC) - timedelta(minutes=1), result={"state": "completed"})
    wait("index_too_old", path, "timeout", newer_than=(datetime.now(UTC) + timedelta(hours=1)).isoformat())
    wait("index_timeout", f"{path}.none", "timeout")
    wait("index_later", f"{path}.later", meanwhile=lambda: indexed(f"{path}.later"))


SCENES = {"artifacts": artifacts, "objects": objects, "tasks": tasks, "groups": groups, "index": index}


@pytest.mark.usefixtures("dag_folder")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("scene", SCENES)
def test_every_mode_ends_a_wait_in_the_same_way(tc, worker, scene, mode, monkeypatch):
    mend_reschedules(monkeypatch)
    made = Scene(tc, worker)
    SCENES[scene](made)
    states, results = run(made, MODES[mode])
    for name, case in made.cases.items():
        ends = {"timeout": "failed"}.get(case.ends, case.ends)
        assert states[name] == ends, name
        found = results[name] or {}
        assert {key: found[key] for key in case.result} == case.result, name


def run(scene, mode):
    """Run all sensors of a scene in one DAG, one after the other; return their states and results."""
    timers = []

    def change_later(case):
        """Return a ``pre_execute`` by which the sensor checks for the first time before anything changes."""

        def begin(context):
            if case.meanwhile and not case.begun:
                case.begun = True
                timers.append(threading.Timer(SOME_LOOKS, case.meanwhile))
                timers[-1].start()

        return begin

    def sensors():
        for name, case in scene.cases.items():
            timeout = SOME_LOOKS if case.ends in {"timeout", "skipped"} else 60
            options = {"poke_interval": INTERVAL, "timeout": timeout, "retries": 0, **mode, **case.arguments}
            case.sensor(task_id=name, pre_execute=change_later(case), **options)

    instances = run_in_a_dag(sensors)
    for timer in timers:
        timer.join()
    states = {name: str(instance.state) for name, instance in instances.items()}
    results = {name: instance.xcom_pull(task_ids=name) for name, instance in instances.items()}
    return states, results

"""Every example DAG, run by Airflow itself."""

from __future__ import annotations

import filecmp
import io
import os
import shutil
import sys
import threading
import time
import warnings
from pathlib import Path

import pandas as pd
import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath
from airflow_lines import AIRFLOW_2
from fsspec.implementations.memory import MemoryFileSystem

from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
from airflow_provider_taskcluster.tasks.generic_worker import file_artifact, generic_worker_payload

try:
    from airflow.sdk.io import attach
except ImportError:  # Airflow 2
    from airflow.io.store import attach

FOLDER = Path(__file__).parents[2] / "example_dags"
OF_AIRFLOW_3 = {"started_by_taskcluster"}
EXAMPLES = {path.stem for path in FOLDER.glob("*.py")} - (OF_AIRFLOW_3 if AIRFLOW_2 else set())

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def load(load_example):
    return load_example


@pytest.fixture
def run(load):
    """Run a DAG; return its state, and the states of its tasks by task id."""

    def run(dag_id, **conf):
        dag_run = load(dag_id).test(run_conf=conf)
        states = {instance.task_id: str(instance.state) for instance in dag_run.get_task_instances()}
        return str(dag_run.state), states

    return run


@pytest.mark.parametrize("dag_id", sorted(EXAMPLES))
def test_examples_are_read_without_a_warning(dag_id, load):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        load(dag_id)


def test_object_round_trip(tc, tmp_path, run):
    file = tmp_path / "file.bin"
    file.write_bytes(b"main job" * 10_000)
    state, states = run("object_round_trip", file=str(file), folder=str(tmp_path / "copies"))
    assert state == "success", states
    assert (tmp_path / "copies" / "file").read_bytes() == file.read_bytes()
    assert str(file) in (tmp_path / "copies" / "note.txt").read_text()


def test_object_round_trip_fails_where_there_is_no_file(tc, tmp_path, run):
    state, states = run("object_round_trip", file=str(tmp_path / "missing"), folder=str(tmp_path))
    assert state == "failed"
    assert states["upload_file"] == "failed"
    assert states["download_note"] == "success"


def test_wait_for_artifact(tc, worker, tmp_path, run):
    task_id = worker.create_task()

    def publish():
        run = worker.claim(task_id)
        run.add("public/build/report.txt", b"report" * 5000)
        run.complete()

    later = threading.Timer(1, publish)
    later.start()
    try:
        state, states = run("wait_for_artifact", taskcluster_task_id=task_id, folder=str(tmp_path))
    finally:
        later.join()
    assert state == "success", states
    assert (tmp_path / "artifact").read_bytes() == b"report" * 5000


def test_artifact_gate(tc, worker, load):
    task_id = worker.create_task()
    claimed = worker.claim(task_id)
    for number in range(45):
        claimed.add(f"public/chunk-{number}.txt", b"12345", content_type="text/plain")

    def publish():
        patience = time.monotonic() + 60
        while len(tc.journal.entries(path=f"{task_id}/runs/0/artifacts")) < 48 and time.monotonic() < patience:
            time.sleep(0.05)  # until sensors have looked for the last ones
        for number in range(45, 50):
            claimed.add(f"public/chunk-{number}.txt", b"12345", content_type="text/plain")
        claimed.complete()

    gate = load("artifact_gate")
    gate.get_task("wait").partial_kwargs["poke_interval"] = 0.3
    later = threading.Thread(target=publish)
    later.start()
    try:
        dag_run = gate.test(run_conf={"taskcluster_task_id": task_id})
    finally:
        later.join()
    states = [str(instance.state) for instance in dag_run.get_task_instances() if instance.task_id == "wait"]
    assert states == ["success"] * 50
    (total,) = (instance for instance in dag_run.get_task_instances() if instance.task_id == "total")
    assert total.xcom_pull(task_ids="total") == 250


def test_upload_with_retries(tc, tmp_path, load):
    file = tmp_path / "file.bin"
    file.write_bytes(os.urandom(20_000_000))
    dag_run = load("upload_with_retries").test(run_conf={"file": str(file)})
    assert str(dag_run.state) == "success"
    TaskclusterHook().download_object(f"airflow-demo/{dag_run.run_id}/large-file", tmp_path / "copy")
    assert filecmp.cmp(file, tmp_path / "copy", shallow=False)


def test_hook_in_functions(tc, worker, load):
    task_id = worker.run_task(artifacts={"public/build/report.txt": b"one\ntwo\nthree\n"}).task_id
    dag_run = load("hook_in_functions").test(run_conf={"taskcluster_task_id": task_id})
    assert str(dag_run.state) == "success"
    assert TaskclusterHook().read_object(f"airflow-demo/{dag_run.run_id}/lines.txt") == b"3 lines\n"


def test_wait_for_tasks(tc, worker, run):
    routes = ["index.airflow-demo.builds.latest"]
    task_id = worker.create_task(routes=routes)
    group_id = worker.queue.task(task_id)["taskGroupId"]
    later = threading.Timer(1, lambda: worker.claim(task_id).complete())
    later.start()
    try:
        state, states = run("wait_for_tasks", taskcluster_task_id=task_id, task_group_id=group_id)
    finally:
        later.join()
    assert state == "success", states


def test_download_payload(tc, worker, tmp_path, run):
    names = [
        "public/build/target.txt",
        "public/build/deep/more.txt",
        "public/build/noise.log",
        "public/sums.json",
        "other",
    ]
    task_id = worker.run_task(artifacts=dict.fromkeys(names, b"one\ntwo\n")).task_id
    state, states = run("download_payload", taskcluster_task_id=task_id, folder=str(tmp_path / "payload"))
    assert state == "success", states
    found = {
        str(path.relative_to(tmp_path / "payload")) for path in (tmp_path / "payload").rglob("*") if path.is_file()
    }
    assert found == {"build/target.txt", "build/deep/more.txt", "sums.json", "taskcluster-payload.json"}


def test_publish(tc, worker, tmp_path, load):
    for name in ("index.html", "style.css"):
        (tmp_path / name).write_text(name)
    claimed = worker.claim(worker.create_task())
    where = {"taskcluster_task_id": claimed.task_id, "taskcluster_run_id": claimed.run_id}
    dag_run = load("publish").test(run_conf={"folder": str(tmp_path), **where})
    assert str(dag_run.state) == "success"
    hook = TaskclusterHook()
    assert hook.read_object(f"airflow-demo/{dag_run.run_id}/style.css") == b"style.css"
    assert hook.read_artifact(claimed.task_id, "public/airflow.txt").endswith(b"published 2 files")


@pytest.mark.parametrize("deferrable", [False, True])
def test_run_task(tc, taskcluster_worker, caplog, deferrable, load):
    caplog.set_level("INFO", logger="airflow_provider_taskcluster.operators")
    example = load("run_task")
    count, squares = example.get_task("count"), example.get_task("squares")
    count.deferrable, count.poll_interval = deferrable, 0.2
    squares.partial_kwargs |= {"deferrable": deferrable, "poll_interval": 0.2}
    dag_run = example.test(run_conf={"task_queue_id": taskcluster_worker.task_queue_id})
    states = {(ti.task_id, ti.map_index): str(ti.state) for ti in dag_run.get_task_instances()}
    assert set(states.values()) == {"success"}, states
    assert len([name for name, _ in states if name == "squares"]) == 3
    (report,) = (instance for instance in dag_run.get_task_instances() if instance.task_id == "report")
    ran = report.xcom_pull(task_ids="count")
    assert ran["result"] == {"name": f"numbers of {dag_run.run_id}", "lines": 3}
    assert report.xcom_pull(task_ids="report") == f"3 lines, counted by task {ran['task_id']}"
    shown = [record.getMessage() for record in caplog.records]
    assert shown.count(f"counting the lines of numbers of {dag_run.run_id}") == 1


@pytest.mark.parametrize("deferrable", [False, True])
def test_trigger_hook(tc, made_hook, deferrable, load):
    script = """echo '{"branch": "'"$BRANCH"'"}' > result.json"""
    payload = generic_worker_payload(
        ["/bin/sh", "-c", script],
        max_run_time=60,
        env={"BRANCH": "${payload.branch}"},
        artifacts=[file_artifact("result.json", "public/result.json")],
    )
    fields = {"branch": {"type": "string"}, "taskId": {"type": "string"}}
    schema = {"type": "object", "properties": fields, "required": ["branch"], "additionalProperties": False}
    group, hook = made_hook(payload, schema)
    example = load("trigger_hook")
    build = example.get_task("build")
    build.deferrable, build.poll_interval = deferrable, 0.2
    dag_run = example.test(run_conf={"hook_group_id": group, "hook_id": hook, "branch": "release"})
    assert str(dag_run.state) == "success"
    (report,) = (instance for instance in dag_run.get_task_instances() if instance.task_id == "report")
    (fire,) = TaskclusterHook().hook_last_fires(group, hook)
    assert report.xcom_pull(task_ids="report") == f"Built release in task {fire['taskId']}"


@pytest.mark.parametrize("deferrable", [False, True])
def test_run_task_group(tc, taskcluster_worker, deferrable, load):
    example = load("run_task_group")
    graph = example.get_task("graph")
    graph.deferrable, graph.poll_interval = deferrable, 0.2
    dag_run = example.test(run_conf={"task_queue_id": taskcluster_worker.task_queue_id})
    assert str(dag_run.state) == "success"
    (after,) = (instance for instance in dag_run.get_task_instances() if instance.task_id == "built_by")
    ran = after.xcom_pull(task_ids="graph")
    assert {label: task["state"] for label, task in ran.items()} == dict.fromkeys(
        ("build", "test-unit", "test-browser", "report"), "completed"
    )
    assert after.xcom_pull(task_ids="built_by") == f"task {ran['build']['task_id']}, run 0"
    group = after.xcom_pull(task_ids="graph", key="taskcluster_group")
    assert TaskclusterHook().task_group(group["task_group_id"])["sealed"]
    log = TaskclusterHook().read_artifact(ran["build"]["task_id"], "public/logs/live_backing.log").decode()
    assert f"built in {dag_run.run_id}" in log


def test_purge_caches(tc, run):
    state, states = run("purge_caches", worker_pool_id="tests/example")
    assert state == "success", states
    assert len(tc.journal.entries(method="POST", path="/purge-cache/tests%2Fexample")) == 2


def test_cancel_and_index(tc, worker, run):
    (task_id,) = tc.bulk.create(1, state="failed")

    def complete():
        while TaskclusterHook().task_status(task_id)["state"] != "pending":
            time.sleep(0.1)
        tc.bulk.resolve([task_id])

    later = threading.Thread(target=complete)
    later.start()
    try:
        state, states = run("cancel_and_index", taskcluster_task_id=task_id)
    finally:
        later.join()
    assert (state, states["cancel"]) == ("success", "skipped"), states
    entry = TaskclusterHook().find_task("airflow-demo.reruns.latest")
    assert (entry["taskId"], entry["data"]) == (task_id, {"run": "1"})


def test_cancel_and_index_cancels_what_takes_too_long(tc, load):
    (task_id,) = tc.bulk.create(1, state="failed")
    dag = load("cancel_and_index")
    dag.get_task("wait").timeout = 0
    states = {
        ti.task_id: str(ti.state) for ti in dag.test(run_conf={"taskcluster_task_id": task_id}).get_task_instances()
    }
    assert states == {"rerun": "success", "wait": "failed", "index": "upstream_failed", "cancel": "success"}
    assert TaskclusterHook().task_status(task_id)["runs"][-1]["reasonResolved"] == "canceled"


def test_files_and_assets(tc, tmp_path, run):
    """The assets of this run are looked at in test_assets.py."""
    state, states = run("files_and_assets", folder=str(tmp_path))
    assert state == "success", states


def test_artifacts_as_tables(tc, worker, tmp_path, load):
    table = b"name,passed\none,True\ntwo,False\n"
    published = worker.run_task(artifacts={"public/results.csv": table, "public/log": b"12345"})
    conf = {"taskcluster_task_id": published.task_id, "folder": f"file://{tmp_path}"}
    dag_run = load("artifacts_as_tables").test(run_conf=conf)
    assert str(dag_run.state) == "success"
    (sizes,) = (instance for instance in dag_run.get_task_instances() if instance.task_id == "sizes")
    assert sizes.xcom_pull(task_ids="sizes") == {"results.csv": len(table), "log": 5}
    copied = (tmp_path / "results.parquet").read_bytes()
    assert pd.read_parquet(io.BytesIO(copied)).to_dict("list") == {"name": ["one", "two"], "passed": [True, False]}
    assert TaskclusterHook().read_object(f"airflow-demo/{dag_run.run_id}/results.parquet") == copied


def test_files_in_buckets(tc, run):
    attach("memory", conn_id="bucket", fs=MemoryFileSystem(skip_instance_cache=True))
    bucket = ObjectStoragePath("memory://bucket@/files")
    bucket.fs.pipe_file(f"{bucket.path}/report.html", b"<h1>report</h1>")
    state, states = run("files_in_buckets", bucket=str(bucket))
    assert state == "success", states
    assert bucket.fs.cat_file(f"{bucket.path}/copies/report.html") == b"<h1>report</h1>"


def test_payload_to_bucket(tc, worker, tmp_path, load):
    built = {"target.zip": b"zip", "target.json": b"{}", "build.log": b"log", "sub/deep": b"deep"}
    published = worker.run_task(artifacts={f"public/build/{name}": data for name, data in built.items()})
    dag_run = load("payload_to_bucket").test(
        run_conf={"taskcluster_task_id": published.task_id, "folder": f"file://{tmp_path}/bucket"}
    )
    assert str(dag_run.state) == "success"
    looked = [instance for instance in dag_run.get_task_instances() if instance.task_id == "look"]
    assert [str(instance.state) for instance in looked] == ["success", "success"]
    folder = tmp_path / "bucket" / published.task_id
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert found == {"public/build/target.zip", "public/build/target.json", "taskcluster-payload.json"}


def test_publish_site(tc, worker, tmp_path, run):
    (tmp_path / "source" / "img").mkdir(parents=True)
    (tmp_path / "source" / "index.html").write_text("<h1>built</h1>")
    (tmp_path / "source" / "img" / "dot").write_bytes(b"x" * 9000)
    packed = Path(shutil.make_archive(str(tmp_path / "site"), "gztar", tmp_path / "source"))
    claimed = worker.claim(worker.create_task())
    claimed.add("public/site.tar.gz", packed.read_bytes())
    state, states = run("publish_site", taskcluster_task_id=claimed.task_id, folder=str(tmp_path / "unpacked"))
    assert state == "success", states
    hook, prefix = TaskclusterHook(), f"airflow-demo/{claimed.task_id}/site/"
    assert hook.read_object(f"{prefix}img/dot") == b"x" * 9000
    published = hook._engine_services.artifact_content(claimed.task_id, "public/site.html", 0, once=True)
    assert published == {"storageType": "reference", "url": hook.object_url(f"{prefix}index.html")}


def test_started_by_taskcluster(tc, load):
    if AIRFLOW_2:  # it has no asset watchers
        with pytest.raises(ImportError):
            load("started_by_taskcluster")
        return
    dag_run = load("started_by_taskcluster").test()  # by hand: no event has started it
    (look,) = dag_run.get_task_instances()
    assert (str(look.state), look.xcom_pull(task_ids="look")) == ("success", {})


def test_every_example_has_a_test():
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert {path.stem for path in FOLDER.glob("*.py")} <= tested


def test_notify_failures(tc, run):
    tc.outbox.clear()
    state, states = run("notify_failures")
    assert (state, states) == ("failed", {"divide": "failed"})
    addresses = {sent.address for sent in tc.outbox}
    assert addresses == {"C0123456789", "my-team@example.com", "on-call@example.com", "my-team.failures"}
    [said] = tc.outbox.entries(kind="slack-channel")
    assert "divide failed in manual__" in said.text
    assert "division by zero" in said.text
    tc.outbox.clear()
    assert run("notify_failures", divisor=2)[0] == "success"
    assert len(tc.outbox) == 0


def test_build_and_report(tc, taskcluster_worker, made_hook, tmp_path, load):
    build = """
import json, os, pathlib, taskcluster
pathlib.Path("target.txt").write_text("built " + os.environ["BRANCH"])
task_id, queue = taskcluster.slugId(), taskcluster.Queue(taskcluster.optionsFromEnvironment())
own = queue.task(os.environ["TASK_ID"])
payload = {"command": [["echo", "tested"]], "maxRunTime": 60}
fields = {name: own[name] for name in ("taskQueueId", "created", "deadline", "metadata")}
queue.createTask(task_id, {**fields, "taskGroupId": os.environ["TASK_GROUP_ID"], "payload": payload})
"""
    client = {"TASKCLUSTER_CLIENT_ID": tc.client_id, "TASKCLUSTER_ACCESS_TOKEN": tc.access_token}
    payload = generic_worker_payload(
        [sys.executable, "-c", build],
        max_run_time=60,
        env={**client, "BRANCH": "${payload.branch}"},
        artifacts=[file_artifact("target.txt", "public/build/target.txt")],
    )
    group, hook = made_hook(payload)
    example = load("build_and_report")
    for name in ("build", "report"):
        example.get_task(name).poll_interval = 0.2
    tc.outbox.clear()
    dag_run = example.test(
        run_conf={
            "hook_group_id": group,
            "hook_id": hook,
            "branch": "release",
            "bucket": f"file://{tmp_path}/bucket",
            "task_queue_id": taskcluster_worker.task_queue_id,
            "python": os.path.realpath(sys.executable),
            "worker_pool_id": "tests/story",
        }
    )
    assert str(dag_run.state) == "success"
    assert (tmp_path / "bucket/release/public/build/target.txt").read_text() == "built release"
    name = f"airflow-demo/reports/{dag_run.run_id}.md"
    said = TaskclusterHook().read_object(name).decode()
    assert said.startswith("# Build of release: 2 tasks, 1 files\n\n- public/build/target.txt: 13 bytes\n")
    assert {sent.address for sent in tc.outbox} == {"C0123456789", "my-team@example.com"}
    [told] = tc.outbox.entries(kind="slack-channel")
    assert f"The report of release is at {name}" in told.text
    [request] = TaskclusterHook().purge_requests("tests/story")
    assert request["cacheName"] == "checkouts-release"


def test_python_function(tc, taskcluster_worker, caplog, load):
    caplog.set_level("INFO", logger="airflow_provider_taskcluster.operators")
    example = load("python_function")
    for name in ("count", "longest"):
        example.get_task(name).poll_interval = 0.2
    example.get_task("length").partial_kwargs["poll_interval"] = 0.2
    dag_run = example.test(run_conf={"task_queue_id": taskcluster_worker.task_queue_id})
    assert str(dag_run.state) == "success"
    (after,) = (instance for instance in dag_run.get_task_instances() if instance.task_id == "report")
    assert after.xcom_pull(task_ids="count") == {"to": 2, "be": 2}
    assert after.xcom_pull(task_ids="report") == "2 words occur twice, the longest has 2 letters"
    shown = [record.getMessage() for record in caplog.records]
    assert f"counting the words of {dag_run.run_id}" in shown


def test_python_function_skips(tc, taskcluster_worker, load):
    example = load("python_function")
    for name in ("count", "longest"):
        example.get_task(name).poll_interval = 0.2
    dag_run = example.test(run_conf={"task_queue_id": taskcluster_worker.task_queue_id, "text": "once"})
    states = {instance.task_id: str(instance.state) for instance in dag_run.get_task_instances()}
    assert states == dict.fromkeys(("count", "words", "report"), "success") | {
        "length": "skipped",
        "longest": "skipped",
    }

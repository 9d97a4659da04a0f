"""The table of scopes in the docs: with exactly these an operation works, without one of them it is refused."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import shutil
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
import requests
import taskcluster
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_taskcluster.exceptions import AuthenticationFailed, Conflict, InsufficientScopes
from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
from airflow_provider_taskcluster.operators.artifact_uploads import TaskclusterUploadArtifactOperator
from airflow_provider_taskcluster.operators.artifacts import TaskclusterDownloadArtifactOperator
from airflow_provider_taskcluster.operators.folders import TaskclusterUploadFolderOperator
from airflow_provider_taskcluster.operators.objects import (
    TaskclusterDownloadObjectOperator,
    TaskclusterUploadObjectOperator,
)
from airflow_provider_taskcluster.operators.payloads import TaskclusterDownloadPayloadOperator
from airflow_provider_taskcluster.operators.purge_cache import TaskclusterPurgeCacheOperator
from airflow_provider_taskcluster.sensors.artifacts import TaskclusterArtifactSensor
from airflow_provider_taskcluster.sensors.index import TaskclusterIndexSensor
from airflow_provider_taskcluster.sensors.objects import TaskclusterObjectSensor
from airflow_provider_taskcluster.sensors.tasks import TaskclusterTaskGroupSensor, TaskclusterTaskSensor
from airflow_provider_taskcluster.triggers.waits import TaskclusterWaitTrigger
from airflow_provider_taskcluster.waits.descriptions import describe
from airflow_provider_taskcluster.waits.talk import Found, Over
from airflow_provider_taskcluster.waits.tasks import TaskGroupWait, TaskWait

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "scopes.md"
DATA = b"data" * 50_000
PART = 64 * 1024
INLINE = {"dataInline": {"contentType": "text/plain", "objectData": "YQ=="}}
REFUSED = (InsufficientScopes, AuthenticationFailed, AirflowFailException, requests.HTTPError)

OPERATIONS = {}


def table():
    """Label of each line of the table, and its scopes."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")][1:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {label: re.findall(r"`([^`]+)`", scopes) for label, scopes in cells}


TABLE = table()


def line(beginning, nth=0):
    """Register an operation for the line of the table that begins so."""
    label = [label for label in TABLE if label.startswith(beginning)][nth]

    def register(operation):
        OPERATIONS[operation.__name__] = (label, operation)
        return operation

    return register


class World:
    """What one operation works on. ``admin`` may do everything, ``hook`` what the line says."""

    def __init__(self, tc, admin, run, connect, folder):
        self.tc, self.admin, self.run, self.connect = tc, admin, run, connect
        self.name = f"tests/{secrets.token_hex(8)}"
        self.expires = datetime.now(UTC) + timedelta(days=1)
        self.path = str(folder / "file")
        self.upload_id = taskcluster.slugId()
        self.blanks = {
            "projectId": "tests",
            "name": self.name,
            "prefix": f"{self.name}/",
            "taskId": run.task_id,
            "runId": str(run.run_id),
            "workerPoolId": "tests/scopes",
            "cacheName": "checkouts",
            "clientId": f"{self.name}/handed-on",
        }
        self.hook = None

    def granted(self, scopes):
        return [re.sub(r"<(\w+)>", lambda blank: self.blanks[blank[1]], scope) for scope in scopes]

    def store(self, **options):
        self.admin.upload_object(DATA, self.name, expires=self.expires, **options)

    def publish(self, **options):
        self.run.add(self.name, DATA, **options)

    def execute(self, operator, **arguments):
        made = operator(task_id="t", taskcluster_conn_id=self.hook.taskcluster_conn_id, **arguments)
        try:
            return made.poke({}) if hasattr(made, "poke") else made.execute({})
        finally:
            made.hook.close()

    def folder(self):
        """A folder with files."""
        folder = Path(self.path).with_name("folder")
        folder.mkdir()
        (folder / "one").write_bytes(DATA)
        (folder / "two").write_bytes(b"2")
        return str(folder)

    def index(self):
        """A task that has completed, in the index; its path."""
        path = f"tests.scopes.{taskcluster.slugId()}"
        (task_id,) = self.tc.bulk.create(1, state="completed", routes=[f"index.{path}"])
        self.blanks |= {"indexPath": path, "taskId": task_id}
        return path

    async def told(self, trigger, **arguments):
        made = trigger(taskcluster_conn_id=self.hook.taskcluster_conn_id, **arguments)
        (event,) = [event async for event in made.run()]
        return event.payload

    def sees(self, sensor, **arguments):
        assert self.execute(sensor, **arguments).is_done


@line("`TaskclusterUploadObjectOperator`")
def upload_operator(w):
    return lambda: w.execute(TaskclusterUploadObjectOperator, data="x", name=w.name, expires=w.expires)


@line("`TaskclusterUploadObjectOperator`")
def upload_of_the_hook(w):
    return lambda: w.hook.upload_object(DATA, w.name, expires=w.expires)


@line("the same in parts")
def upload_in_parts(w):
    return lambda: w.hook.upload_object(DATA, w.name, expires=w.expires, multipart="always", part_size=PART)


@line('the same with `if_exists="skip"`')
def upload_over_other_content(w):
    w.store()

    def upload():
        try:
            w.hook.upload_object(b"other", w.name, expires=w.expires, if_exists="skip")
        except Conflict as error:
            raise InsufficientScopes(str(error)) from error

    return upload


@line("`TaskclusterUploadFolderOperator`")
def upload_folder_operator(w):
    arguments = {"folder": w.folder(), "prefix": w.blanks["prefix"], "expires": w.expires}
    return lambda: w.execute(TaskclusterUploadFolderOperator, **arguments)


@line("`TaskclusterUploadFolderOperator`")
def upload_folder(w):
    folder = w.folder()
    return lambda: w.hook.upload_folder(folder, w.blanks["prefix"], expires=w.expires)


@line("`TaskclusterUploadArtifactOperator`")
def upload_artifact_operator(w):
    where = {"taskcluster_task_id": w.run.task_id, "run_id": 0, "name": w.name}
    return lambda: w.execute(TaskclusterUploadArtifactOperator, data="x", expires=w.expires, **where)


@line("`TaskclusterUploadArtifactOperator`")
def upload_artifact(w):
    return lambda: w.hook.upload_artifact(DATA, w.run.task_id, 0, w.name, expires=w.expires)


@line("`create_reference_artifact`")
def create_reference_artifact(w):
    url = "https://example.com/"
    return lambda: w.hook.create_reference_artifact(w.run.task_id, 0, w.name, url, expires=w.expires)


@line("`create_reference_artifact`")
def create_link_artifact(w):
    return lambda: w.hook.create_link_artifact(w.run.task_id, 0, w.name, "public/other", expires=w.expires)


@line("`create_reference_artifact`")
def create_error_artifact(w):
    told = {"expires": w.expires, "reason": "file-missing-on-worker"}
    return lambda: w.hook.create_error_artifact(w.run.task_id, 0, w.name, "gone", **told)


@line("`create_artifact`")
def create_artifact(w):
    request = {"storageType": "s3", "contentType": "text/plain", "expires": w.expires.isoformat()}
    return lambda: w.hook.create_artifact(w.run.task_id, 0, w.name, request)


@line("`create_artifact`")
def finish_artifact(w):
    grant = w.run.announce(w.name, length=len(DATA))
    w.run.upload(grant, DATA)
    return lambda: w.hook.finish_artifact(w.run.task_id, 0, w.name, upload_id=grant["uploadId"])


@line("`create_upload`")
def create_upload(w):
    return lambda: w.hook.create_upload(
        w.name, upload_id=w.upload_id, expires=w.expires, proposed_upload_methods=INLINE
    )


@line("`create_upload`")
def finish_upload(w):
    w.admin.create_upload(w.name, upload_id=w.upload_id, expires=w.expires, proposed_upload_methods=INLINE)
    return lambda: w.hook.finish_upload(w.name, upload_id=w.upload_id)


@line("`TaskclusterDownloadObjectOperator`")
def download_operator(w):
    w.store()
    return lambda: w.execute(TaskclusterDownloadObjectOperator, name=w.name, destination=w.path)


@line("`TaskclusterDownloadObjectOperator`")
def download_of_the_hook(w):
    w.store()
    return lambda: w.hook.download_object(w.name, w.path)


@line("`TaskclusterDownloadObjectOperator`")
def read_object(w):
    w.store()
    return lambda: w.hook.read_object(w.name)


@line("`TaskclusterDownloadObjectOperator`")
def open_object(w):
    w.store()

    def read():
        with closing(w.hook.open_object(w.name)) as opened:
            opened.read(0, 10)

    return read


@line("`TaskclusterDownloadObjectOperator`")
def object_size(w):
    w.store()
    return lambda: w.hook.object_size(w.name)


@line("the same of an object in parts")
def download_of_parts(w):
    w.store(multipart="always", part_size=PART)
    return lambda: w.hook.download_object(w.name, w.path)


@line("`TaskclusterObjectSensor`")
def object_sensor(w):
    w.store()
    return lambda: w.sees(TaskclusterObjectSensor, name=w.name)


@line("`TaskclusterObjectSensor`")
def object_metadata(w):
    w.store()
    return lambda: w.hook.object_metadata(w.name)


@line("`TaskclusterObjectSensor`")
def multipart_sha256(w):
    w.store()
    return lambda: w.hook.multipart_sha256(w.name)


@line("`TaskclusterObjectSensor`")
def start_download(w):
    w.store()
    return lambda: w.hook.start_download(w.name)


@line("what `object_url` returns")
def object_url(w):
    w.store()
    minute = timedelta(minutes=1)
    return lambda: requests.get(w.hook.object_url(w.name, expires_in=minute), timeout=30).raise_for_status()


@line("`TaskclusterDownloadArtifactOperator`")
def artifact_operator(w):
    w.publish()
    return lambda: w.execute(
        TaskclusterDownloadArtifactOperator, taskcluster_task_id=w.run.task_id, name=w.name, destination=w.path
    )


@line("`TaskclusterDownloadArtifactOperator`")
def artifact_of_the_hook(w):
    w.publish(storage_type="s3")
    return lambda: w.hook.download_artifact(w.run.task_id, w.name, w.path)


@line("`TaskclusterDownloadArtifactOperator`")
def read_artifact(w):
    w.publish()
    return lambda: w.hook.read_artifact(w.run.task_id, w.name)


@line("`TaskclusterDownloadArtifactOperator`")
def open_artifact(w):
    w.publish()

    def read():
        with closing(w.hook.open_artifact(w.run.task_id, w.name)) as opened:
            opened.read(0, 10)

    return read


@line("the same of a link")
def artifact_behind_a_link(w):
    w.blanks["target"] = f"{w.name}-target"
    w.run.add(w.blanks["target"], DATA)
    w.run.add_link(w.name, w.blanks["target"])
    return lambda: w.hook.read_artifact(w.run.task_id, w.name)


@line('the same with `verify="chain_of_trust"`')
def artifact_checked_by_the_chain_of_trust(w):
    w.publish(storage_type="s3")
    sums = {"artifacts": {w.name: {"sha256": sha256(DATA).hexdigest()}}}
    w.run.add("public/chain-of-trust.json", json.dumps(sums).encode(), storage_type="s3")
    return lambda: w.hook.download_artifact(w.run.task_id, w.name, w.path, verify="chain_of_trust")


@line("`TaskclusterDownloadPayloadOperator`")
def payload_operator(w):
    w.publish()
    arguments = {"taskcluster_task_id": w.run.task_id, "destination": w.path, "include": [w.name]}
    return lambda: w.execute(TaskclusterDownloadPayloadOperator, **arguments)


@line("`TaskclusterDownloadPayloadOperator`")
def payload_of_the_hook(w):
    w.publish()
    return lambda: list(w.hook.open_payload(w.run.task_id).chunks(w.name))


@line("`artifact_info`")
def artifact_info(w):
    w.publish()
    return lambda: w.hook.artifact_info(w.run.task_id, w.name)


@line("`artifact_info`")
def list_artifacts(w):
    return lambda: w.hook.list_artifacts(w.run.task_id)


@line("the same with a `run_id`")
def list_artifacts_of_a_run(w):
    return lambda: w.hook.list_artifacts(w.run.task_id, 0)


@line("`TaskclusterArtifactSensor`")
def artifact_sensor(w):
    w.publish()
    return lambda: w.sees(TaskclusterArtifactSensor, taskcluster_task_id=w.run.task_id, name=w.name)


@line("the same with `verify_content=True`")
def artifact_sensor_that_asks_the_store(w):
    w.publish(storage_type="s3")
    sensor = TaskclusterArtifactSensor
    return lambda: w.sees(sensor, taskcluster_task_id=w.run.task_id, name=w.name, verify_content=True)


@line("`stored_artifact_length`")
def stored_artifact_length(w):
    w.publish(storage_type="s3")
    return lambda: w.hook.stored_artifact_length(w.run.task_id, w.name)


@line("`task_runs`")
def task_runs(w):
    return lambda: w.hook.task_runs(w.run.task_id)


@line("`TaskclusterTaskSensor`")
def task_sensor(w):
    return lambda: w.sees(TaskclusterTaskSensor, taskcluster_task_id=w.run.task_id, states="running")


@line("`TaskclusterTaskSensor`")
def look(w):
    wait = TaskWait(task_ids=[w.run.task_id], states=["running"])

    def found():
        verdict = w.hook.look(wait)
        if isinstance(verdict, Over):
            raise verdict.error
        assert isinstance(verdict, Found)

    return found


@line("`TaskclusterTaskGroupSensor`")
def group_sensor(w):
    w.blanks["taskGroupId"] = w.run.task_id
    w.run.complete()
    return lambda: w.sees(TaskclusterTaskGroupSensor, task_group_id=w.run.task_id)


@line("the same deferred, while tasks are open")
def group_sensor_in_the_triggerer(w):
    w.blanks["taskGroupId"] = w.run.task_id
    wait = describe(TaskGroupWait(task_group_id=w.run.task_id, states=["completed"]))

    def waited():
        completing = threading.Timer(2, w.run.complete)
        completing.start()
        event = asyncio.run(w.told(TaskclusterWaitTrigger, wait=wait, interval=0.2, deadline=time.time() + 30))
        completing.cancel()
        if event["outcome"] == "over":
            raise InsufficientScopes(event["message"])
        assert event["outcome"] == "found"

    return waited


@line("`TaskclusterIndexSensor`")
def index_sensor(w):
    path = w.index()
    return lambda: w.sees(TaskclusterIndexSensor, index_path=path)


@line("the same with `newer_than`")
def index_sensor_for_a_newer_task(w):
    path = w.index()
    return lambda: w.sees(TaskclusterIndexSensor, index_path=path, newer_than="2020-01-01T00:00:00Z")


@line("`TaskclusterPurgeCacheOperator`")
def purge_operator(w):
    return lambda: w.execute(TaskclusterPurgeCacheOperator, worker_pool_id="tests/scopes", cache_names="checkouts")


@line("`TaskclusterPurgeCacheOperator`")
def purge_cache(w):
    return lambda: w.hook.purge_cache("tests/scopes", "checkouts")


@line("`purge_requests`")
def purge_requests(w):
    return lambda: w.hook.purge_requests("tests/scopes")


@line("`all_purge_requests`")
def all_purge_requests(w):
    return lambda: w.hook.all_purge_requests(limit=None)


@line("credentials with a `name`")
def named_credentials(w):
    def use():
        issued = w.hook.temporary_credentials([], w.expires, name=w.blanks["clientId"])
        extra = {"certificate": issued.certificate}
        handed = w.connect("tc_handed", login=issued.client_id, password=issued.access_token, extra=extra)
        good, message = handed.test_connection()
        if not good:
            raise AuthenticationFailed(message)

    return use


@line("`ping`")
def extract_archive(w):
    folder = w.folder()
    archive = shutil.make_archive(f"{folder}-archive", "zip", folder)
    return lambda: w.hook.extract_archive(archive, f"{folder}-extracted")


@line("`ping`")
def ping(w):
    return lambda: w.hook.ping("queue")


@line("`ping`")
def connection_test(w):
    def check():
        assert w.hook.test_connection()[0]

    return check


# The client is not ours.
UNNAMED = {"object_url"}


@pytest.fixture
def nothing_for_everybody(tc):
    before = tc.anonymous_scopes
    tc.anonymous_scopes = []
    yield
    tc.anonymous_scopes = before


@pytest.mark.usefixtures("nothing_for_everybody")
@pytest.mark.parametrize("operation", OPERATIONS)
def test_these_scopes_are_needed_and_are_enough_and_a_missing_one_is_named(
    tc, hook, holding, connect, run, tmp_path, operation
):
    label, prepare = OPERATIONS[operation]
    world = World(tc, hook, run, connect, tmp_path)
    act = prepare(world)
    scopes = world.granted(TABLE[label])
    for missing in scopes:
        world.hook = holding(*(scope for scope in scopes if scope != missing))
        with pytest.raises(REFUSED, match=r"scope|403|401") as caught:
            act()
        assert operation in UNNAMED or missing.rstrip("*") in str(caught.value)
    world.hook = holding(*scopes)
    act()


def test_every_line_of_the_table_is_tried():
    assert {label for label, _ in OPERATIONS.values()} == set(TABLE)


@pytest.mark.parametrize("label", TABLE)
def test_everything_that_a_line_names_is_tried(label):
    words_of_it = re.findall(r"`(\w+)`", label)
    named = {word for word in words_of_it if hasattr(TaskclusterHook, word) or word.startswith("Taskcluster")}
    tried = {word for line, prepare in OPERATIONS.values() if line == label for word in words(prepare.__code__)}
    assert named <= tried


def words(code):
    """Names that a function and those inside it use."""
    inner = [constant for constant in code.co_consts if hasattr(constant, "co_names")]
    return {*code.co_names, *(word for one in inner for word in words(one))}

"""The operators' arguments for uploads in parts and for the identity of an upload, called as Airflow does."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException, redact
from multipart_objects import PART, digest, gets

from airflow_provider_taskcluster.emulator.store.faults import Status
from airflow_provider_taskcluster.exceptions import StoreError
from airflow_provider_taskcluster.operators.objects import (
    TaskclusterDownloadObjectOperator,
    TaskclusterUploadObjectOperator,
)
from airflow_provider_taskcluster.transfer.upload.upload_id import random_upload_id

DATA = os.urandom(2 * PART + 1000)
CONNECTION = {"task_id": "task", "taskcluster_conn_id": "tc_test"}
IN_PARTS = {"multipart": "always", "part_size": PART}
OWN_ID = random_upload_id()


@pytest.fixture
def context():
    return {"dag_run": SimpleNamespace(start_date=datetime.now(UTC).replace(microsecond=0))}


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source"
    path.write_bytes(DATA)
    return path


@pytest.fixture
def upload(hook, name, context, source):
    """Run an upload operator; keyword arguments replace the defaults."""

    def run(**arguments):
        usual = {"name": name, "source": str(source), "expires": timedelta(days=1)}
        return TaskclusterUploadObjectOperator(**CONNECTION, **usual | arguments).execute(context)

    return run


@pytest.fixture
def download(hook, name, context, tmp_path):
    """Run a download operator and return its result and the bytes."""

    def run(**arguments):
        usual = {"name": name, "destination": str(tmp_path / "copy")}
        result = TaskclusterDownloadObjectOperator(**CONNECTION, **usual | arguments).execute(context)
        return result, (tmp_path / "copy").read_bytes()

    return run


def puts(tc):
    return [entry for entry in tc.journal.entries(origin="store", method="PUT") if entry.status == 200]


def test_an_upload_in_parts_and_its_download_tell_what_moved(upload, download):
    up = upload(**IN_PARTS)
    down, data = download(connections=2)
    assert data == DATA
    assert json.loads(json.dumps(up)) == up
    assert (up["size"], up["digests"], up["method"]) == (len(DATA), {"sha256": digest(DATA)}, "multipart")
    assert (down["size"], down["digests"], down["verified"]) == (len(DATA), {"sha256": digest(DATA)}, "sha256")


@pytest.mark.parametrize("arguments", [{}, IN_PARTS], ids=["one piece", "in parts"])
def test_the_result_tells_whether_it_was_there_already(upload, arguments):
    assert upload(**arguments)["already_present"] is False
    assert upload(**arguments)["already_present"] is True


def test_the_manifest_can_be_had(upload, download):
    upload(**IN_PARTS)
    result, data = download(multipart_aware=False)
    assert json.loads(data)["sha256"] == digest(DATA)
    assert (result["method"], result["size"]) == ("getUrl", len(data))


@pytest.mark.parametrize(("threshold", "method"), [(len(DATA), "putUrl"), (len(DATA) - 1, "multipart")])
def test_auto_takes_parts_above_the_threshold(upload, download, threshold, method):
    assert upload(multipart_threshold=threshold, part_size=PART)["method"] == method
    assert download()[1] == DATA


def test_the_part_size_may_be_a_function_of_the_total(upload, tc):
    upload(multipart="always", part_size=lambda total: total // 4)
    assert [entry.received for entry in puts(tc)] == [len(DATA) // 4] * 4


def test_bytes_in_memory_go_up_in_parts_too(hook, name, context):
    task = TaskclusterUploadObjectOperator(
        **CONNECTION, name=name, data=DATA, expires=timedelta(days=1), multipart="always", part_size=PART, connections=1
    )
    assert task.execute(context)["method"] == "multipart"
    assert hook.read_object(name) == DATA


def test_what_one_put_cannot_carry_is_refused_at_once_if_parts_are_forbidden(upload, tmp_path, tc):
    with (tmp_path / "large").open("wb") as file:
        file.truncate(6 << 30)
    started = time.monotonic()
    with pytest.raises(
        AirflowFailException, match=r"6442450944 bytes are more than one PUT can carry.*multipart='auto'"
    ):
        upload(source=str(tmp_path / "large"), multipart="never")
    assert time.monotonic() - started < 2, "it was not read"
    assert not list(tc.journal)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"upload_id": "mine"}, "upload_id is not a v4 slugid"),
        ({"upload_id": ""}, "upload_id is not a v4 slugid"),
        ({"recorder": ""}, "recorder is '': pass a folder or its path"),
        ({"recorder": ["folder"]}, "recorder is ['folder']: pass a text"),
        ({"multipart": "always", "name": "n" * 1010}, "is too long for an upload in parts"),
    ],
    ids=str,
)
def test_what_cannot_work_fails_at_once_and_sends_nothing(upload, tc, arguments, sentence):
    with pytest.raises(AirflowFailException) as caught:
        upload(**arguments)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list(tc.journal)


def test_a_finished_object_can_be_refused_or_left(upload, source):
    there = upload(**IN_PARTS)
    with pytest.raises(AirflowFailException, match="The object exists, and if_exists is 'fail'"):
        upload(**IN_PARTS, if_exists="fail")
    source.write_bytes(b"other")
    with pytest.raises(AirflowFailException, match="exists with other content"):
        upload()
    left = upload(if_exists="skip")
    assert left["already_present"]
    assert left["digests"]["sha256"] != digest(b"other")
    assert there["digests"] == {"sha256": digest(DATA)}


def rendered(operator, **params):
    """Let Airflow render the templates of an operator."""
    with DAG("templates", schedule=None, start_date=datetime(2030, 1, 1, tzinfo=UTC)):
        task = operator()
    task.render_template_fields({"params": params})
    return task


def test_an_upload_id_of_one_s_own_is_shown_neither_where_fields_are_rendered_nor_in_logs():
    own = random_upload_id()
    arguments = {**CONNECTION, "name": "a", "data": "b", "expires": timedelta(days=1)}
    assert redact(own) == own
    task = rendered(lambda: TaskclusterUploadObjectOperator(**arguments, upload_id="{{ params.own }}"), own=own)
    assert task.upload_id == own
    assert redact(task.upload_id, "upload_id") == "***"  # as Airflow does with rendered fields
    assert redact(f"PUT {own}") == "PUT ***"


def test_an_upload_id_of_one_s_own_that_the_hook_is_given_is_not_shown_in_logs(connect, name, expires):
    own = random_upload_id()
    connect().upload_object(b"data", name, expires=expires, upload_id=own)
    assert redact(f"PUT {own}") == "PUT ***"


def test_an_upload_id_of_one_s_own_is_templated_and_used(hook, name, source, context):
    """The name is held by an unfinished upload of that id; any other would be a conflict."""
    expires = context["dag_run"].start_date + timedelta(days=1)
    hook.create_upload(name, upload_id=OWN_ID, expires=expires, hashes={"sha256": digest(DATA)})
    arguments = {**CONNECTION, "name": name, "source": str(source), "expires": timedelta(days=1)}
    with pytest.raises(
        AirflowFailException,
        match="or of somebody else, holds the name",
    ):
        TaskclusterUploadObjectOperator(**arguments).execute(context)
    task = rendered(lambda: TaskclusterUploadObjectOperator(**arguments, upload_id="{{ params.id }}"), id=OWN_ID)
    assert task.execute(context)["already_present"] is False
    assert hook.read_object(name) == DATA


@pytest.fixture
def temporary(hook, connect):
    """The connection of the operators has temporary credentials now, from which no id can be derived twice."""
    issued = hook.temporary_credentials(["*"], datetime.now(UTC) + timedelta(hours=1))
    return lambda: connect(
        login=issued.client_id,
        password=issued.access_token,
        extra={"certificate": issued.certificate, "max_retries": 0},
    )


def failing(task, context, tc):
    """Let a try fail in the middle, and forget what was asked."""
    tc.faults.add(Status(503), method="PUT", nth=2, times=100)
    with pytest.raises(StoreError):
        task.execute(context)
    tc.faults.clear()
    tc.journal.clear()


@pytest.mark.parametrize(
    "written", ["{{ params.folder }}/kept", "file://{{ params.folder }}/kept"], ids=["path", "URL"]
)
def test_a_recorder_is_templated_and_lets_the_next_try_go_on(
    hook, name, source, context, temporary, tc, tmp_path, written
):
    temporary()

    def operator():
        return TaskclusterUploadObjectOperator(
            **CONNECTION,
            name=name,
            source=str(source),
            expires=timedelta(days=1),
            connections=1,
            recorder=written,
            **IN_PARTS,
        )

    failing(rendered(operator, folder=str(tmp_path)), context, tc)
    assert [file.stat().st_mode & 0o777 for file in (tmp_path / "kept").iterdir()] == [0o600, 0o600]
    assert rendered(operator, folder=str(tmp_path)).execute(context)["already_present"] is False
    assert len(puts(tc)) == 1, "the first part was there, the last one is small"
    assert list((tmp_path / "kept").iterdir()) == []
    assert hook.read_object(name) == DATA


class TaskStateStore(dict):
    """What Airflow 3.3 puts into the context, as far as it is asked here."""

    set = dict.__setitem__

    def delete(self, key):
        self.pop(key, None)


@pytest.mark.parametrize("arguments", [{}, IN_PARTS], ids=["one piece", "in parts"])
def test_by_default_airflow_s_own_store_keeps_what_the_next_try_needs(
    hook, name, upload, context, temporary, tc, arguments
):
    temporary()
    context["task_state_store"] = TaskStateStore()
    tc.faults.add(Status(503), method="PUT", times=100)
    with pytest.raises(StoreError):
        upload(**arguments)
    tc.faults.clear()
    records = list(context["task_state_store"].values())
    assert [bool(record["key"]) for record in records] == ([True, False] if arguments else [True])
    assert json.loads(json.dumps(records)) == records
    assert "http" not in json.dumps([record | {"root_url": ""} for record in records]), "no URL is kept"
    upload(**arguments)
    assert context["task_state_store"] == {}
    assert hook.read_object(name) == DATA


def test_with_no_store_at_all_the_log_says_what_a_retry_will_meet(upload, temporary, tc, caplog, name):
    temporary()
    tc.faults.add(Status(503), method="PUT", times=100)
    with pytest.raises(StoreError):
        upload()
    assert "if this try dies, the next one meets a conflict for up to a day" in caplog.text
    tc.faults.clear()
    with pytest.raises(AirflowFailException, match="holds the name, for up to a day"):
        upload()
    assert gets(tc, name) == []

"""Control characters in foreign text never reach errors, logs and results unescaped."""

from __future__ import annotations

import io
import json
import os
import zipfile

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from local_servers import Quiet, serving
from scripted_api import scripted_api

from airflow_provider_taskcluster.exceptions import ArchiveRefused, ArtifactError, ServiceError, StoreError
from airflow_provider_taskcluster.operators.artifacts import TaskclusterDownloadArtifactOperator
from airflow_provider_taskcluster.operators.payloads import TaskclusterDownloadPayloadOperator
from airflow_provider_taskcluster.sensors.artifacts import TaskclusterArtifactSensor
from airflow_provider_taskcluster.transfer.sink.base import MemorySink

# A forged line of a log, colours, text that runs the other way, half a character.
EVIL = "x\n[2030-01-01] INFO - all is well\x1b[31m\r\u202e\ud800"
SHOWN = r"x\n[2030-01-01] INFO - all is well\x1b[31m\r\u202e\ud800"
CONNECTION = {"task_id": "task", "taskcluster_conn_id": "tc_test"}
DATA = os.urandom(1000)


def is_fit(text):
    return str(text).isprintable()


@pytest.fixture(autouse=True)
def no_log_is_raw(caplog):
    """Check that every log message of a test is one line of printable text."""
    with caplog.at_level("DEBUG", "airflow_provider_taskcluster"):
        yield
    ours = [record for record in caplog.records if record.name.startswith("airflow_provider_taskcluster")]
    raw = [record for record in ours if "emulator" not in record.name and not is_fit(record.getMessage())]
    assert not raw
    assert not [record for record in ours if record.exc_info and "emulator" not in record.name]


@pytest.fixture
def evil(tc, hook, connect, run):
    """A connection whose answers name evil content types, reasons and messages."""
    run.add("public/s3", DATA, storage_type="s3", content_type="text/evil")
    run.add("public/object", DATA, content_type="text/evil")
    run.add_error("public/error", "text/evil", reason="file-missing-on-worker")

    def change(body):
        for good in (b'"text/evil"', b'"file-missing-on-worker"'):
            body = body.replace(good, json.dumps(EVIL).encode())
        return body

    with scripted_api(tc.root_url) as api:
        api.add("/queue/", times=float("inf"), change=change)
        connect(host=api.url)
        yield connect("tc_evil", host=api.url)


def test_results_of_hooks_operators_and_sensors(evil, run, tmp_path, filesystem):
    task = run.task_id
    assert {info["contentType"] for info in evil.list_artifacts(task)} >= {SHOWN}
    assert evil.artifact_info(task, "public/s3")["contentType"] == SHOWN
    sensor = TaskclusterArtifactSensor(**CONNECTION, taskcluster_task_id=task, name=["public/s3", "public/object"])
    found = sensor.poke({}).xcom_value
    assert [info["content_type"] for info in found["artifacts"]] == [SHOWN] * 2
    payload = TaskclusterDownloadPayloadOperator(
        **CONNECTION, taskcluster_task_id=task, destination=str(tmp_path), on_error="continue"
    )
    summary = payload.execute({})
    assert summary["failed"] == 3, "what the store says is another type; the error is one"
    entries = filesystem("tc_evil").ls(f"artifacts/{task}/0/public")
    assert SHOWN in {entry["content_type"] for entry in entries}
    for result in (found, summary, entries):
        assert is_fit(json.dumps(result, ensure_ascii=False, default=str))


def test_an_error_artifact(evil, run):
    with pytest.raises(ArtifactError) as caught:
        evil.read_artifact(run.task_id, "public/error")
    assert is_fit(caught.value)
    assert caught.value.reason == SHOWN
    assert SHOWN in str(caught.value)
    sensor = TaskclusterArtifactSensor(**CONNECTION, taskcluster_task_id=run.task_id, name="public/error")
    with pytest.raises(AirflowFailException) as failed:
        sensor.poke({})
    assert is_fit(failed.value)
    assert SHOWN in str(failed.value)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 500])
def test_errors_of_services(connect, status):
    class Evil(Quiet):
        def do_GET(self):  # noqa: N802 (a name that http.server calls)
            body = json.dumps({"code": EVIL, "message": f"missing the following scopes:\n```\n{EVIL}\n```"})
            self.answer(status, body.encode(), Content_Type="application/json")

    with serving(Evil) as url:
        hook = connect(host=url, extra={"max_retries": 0})
        with pytest.raises(ServiceError) as caught:
            hook.list_artifacts("fN1SbArXTPSVFNUvaOlinQ")
        assert hook.test_connection()[1].isprintable()
    assert is_fit(caught.value)
    assert caught.value.code == SHOWN


@pytest.mark.parametrize("status", [403, 404, 500])
def test_errors_of_stores_and_what_they_say_of_a_body(connect, run, tmp_path, status):
    xml = f"<Error><Code>{EVIL}</Code><Message>{EVIL} http://u:c0ffee@h/a?c0ffee</Message></Error>"

    class Evil(Quiet):
        def do_GET(self):  # noqa: N802 (as above)
            if "bad" in self.path:
                self.answer(status, xml.encode(errors="replace"), ETag='"a\x1bb"')
            else:
                self.answer(200, DATA, Content_Type="text/plain\x1b[31m\x07", ETag='"a\x1bb"')

    with serving(Evil) as url:
        hook = connect(extra={"max_retries": 0})
        run.add_reference("public/bad", f"{url}/bad?sig=c0ffee")
        run.add_reference("public/good", f"{url}/good")
        with pytest.raises(StoreError) as caught:
            hook.read_artifact(run.task_id, "public/bad", allow_reference=True)
        found = hook.download_artifact(run.task_id, "public/good", MemorySink(), allow_reference=True)
        operator = TaskclusterDownloadArtifactOperator(
            **CONNECTION,
            taskcluster_task_id=run.task_id,
            name="public/good",
            destination=str(tmp_path / "good"),
            allow_reference=True,
        )
        moved = operator.execute({})
    assert is_fit(caught.value)
    assert is_fit(caught.value.code)
    assert "c0ffee" not in str(caught.value)
    assert found.content_type == moved["content_type"] == r"text/plain\x1b[31m\x07"


@pytest.mark.parametrize("name", ["../" + EVIL[:-1], "/" + EVIL[:-1], "a/" + "b\n" * 300])
def test_members_of_archives(hook, tmp_path, name):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(name, b"x")
    (tmp_path / "a.zip").write_bytes(content.getvalue())
    with pytest.raises(ArchiveRefused) as caught:
        hook.extract_archive(str(tmp_path / "a.zip"), str(tmp_path / "out"))
    assert is_fit(caught.value)

"""``TaskclusterUploadArtifactOperator`` as Airflow calls it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from artifact_uploads import DATA, NAME, Died, dies, upload

from airflow_provider_taskcluster.operators.artifact_uploads import TaskclusterUploadArtifactOperator
from airflow_provider_taskcluster.transfer.upload.object import Uploader

__all__ = ["upload"]


class TestOperator:
    @pytest.fixture
    def publish(self, hook, run):
        def execute(state=None, **arguments):
            context = {"dag_run": SimpleNamespace(start_date=datetime.now(UTC)), "task_state_store": state}
            usual = {"taskcluster_task_id": run.task_id, "run_id": str(run.run_id), "name": NAME}
            return TaskclusterUploadArtifactOperator(
                task_id="publish",
                taskcluster_conn_id="tc_test",
                **{"expires": timedelta(days=1), **usual, **arguments},
            ).execute(context)

        return execute

    @pytest.mark.parametrize("storage_type", ["object", "s3"])
    def test_it_publishes_a_file_or_data(self, hook, run, publish, tmp_path, storage_type):
        (tmp_path / "file").write_bytes(DATA)
        published = publish(source=str(tmp_path / "file"), storage_type=storage_type)
        assert (published["storage_type"], published["size"]) == (storage_type, len(DATA))
        assert json.loads(json.dumps(published)) == published
        assert publish(data={"a": 1}, name="public/a.json")["content_type"] == "application/json"
        assert hook.read_artifact(run.task_id, NAME) == DATA
        assert hook.read_artifact(run.task_id, "public/a.json") == b'{"a": 1}'

    def test_it_publishes_what_stands_for_an_artifact(self, hook, run, publish):
        assert publish(url="https://example.com/", name="a") == {"name": "a", "storage_type": "reference"}
        assert publish(link_to="a", name="b") == {"name": "b", "storage_type": "link"}
        assert publish(error="no", name="c", error_reason="too-large-file-on-worker")["storage_type"] == "error"
        assert [info["storageType"] for info in hook.list_artifacts(run.task_id)] == ["reference", "link", "error"]

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            ({"url": "file:///etc/passwd"}, "must be http or https"),
            ({"data": "x", "name": "public/it's"}, "has an apostrophe"),
        ],
        ids=str,
    )
    def test_what_cannot_work_fails_at_once(self, publish, arguments, sentence):
        with pytest.raises(AirflowFailException, match=sentence):
            publish(**arguments)

    def test_a_retry_finds_the_upload_id_in_the_state_store_of_airflow(self, hook, run, publish, monkeypatch):
        kept = {}
        store = SimpleNamespace(get=kept.get, set=kept.__setitem__, delete=kept.pop)
        start = datetime.now(UTC) + timedelta(days=1)
        dies(monkeypatch, Uploader, "upload")
        with pytest.raises(Died):
            publish(store, data=DATA, expires=start)
        assert len(kept) == 1
        publish(store, data=DATA, expires=start)
        assert hook.read_artifact(run.task_id, NAME) == DATA
        assert not kept

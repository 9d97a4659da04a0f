"""Tasks that return results of the hook, and one that receives them all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZipFile

from airflow.providers.common.compat.sdk import dag, task

from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook

if TYPE_CHECKING:
    from airflow_provider_taskcluster.transfer.model import Transferred, TransferResult
    from airflow_provider_taskcluster.transfer.payload.model import PayloadSummary

LIFE = timedelta(days=1)


@dag(schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC), catchup=False)
def returned_results():
    @task(multiple_outputs=False)
    def upload() -> TransferResult:
        return TaskclusterHook().upload_object(b"text", "returned/one.txt", expires=LIFE)

    @task
    def upload_folder(folder):
        return TaskclusterHook().upload_folder(folder, "returned/folder", expires=LIFE)

    @task
    def artifacts(task_id, folder):
        hook = TaskclusterHook()
        payload = hook.open_payload(task_id)
        with ZipFile(f"{folder}.zip", "w") as archive:
            archive.writestr("a.txt", b"in it")
        downloaded = payload.download(f"{folder}-payload")
        return {
            "download": hook.download_artifact(task_id, "public/a.txt", f"{folder}-a.txt"),
            "payload": downloaded,
            "stored": downloaded.files,
            "files": payload.select("*.txt"),
            "extracted": hook.extract_archive(f"{folder}.zip", f"{folder}-extracted"),
            "listed": hook.list_artifacts(task_id),
            "info": hook.artifact_info(task_id, "public/a.txt"),
            "runs": hook.task_runs(task_id),
            "stored at": hook.artifact_modified(task_id, "public/a.txt"),
            "purge requests": hook.purge_requests("provisioner/worker-type"),
            "all purge requests": hook.all_purge_requests(),
            "ping": hook.ping("queue"),
        }

    @task
    def metadata(uploaded: Transferred):
        assert uploaded["already_present"] is False
        return TaskclusterHook().object_metadata(uploaded["name"])

    @task
    def take(uploaded, folder_of, found, facts, folder):
        Path(f"{folder}-taken").write_text(repr([uploaded, folder_of, found, facts]))
        assert uploaded["size"] == 4
        assert [file["name"] for file in folder_of] == ["returned/folder/a", "returned/folder/b"]
        assert facts["hashes"]["sha256"] == uploaded["digests"]["sha256"]
        summary: PayloadSummary = found["payload"]
        assert (summary["count"], summary["transferred"]) == (1, 1)
        assert found["download"]["destination"] == f"{folder}-a.txt"
        assert found["stored"][0]["digests"]["sha256"] == found["download"]["digests"]["sha256"]
        assert found["files"][0]["artifact"] == "public/a.txt"
        assert (found["extracted"]["files"], found["extracted"]["size"]) == (1, 5)

    folder = "{{ dag_run.conf['folder'] }}"
    uploaded = upload()
    found = artifacts("{{ dag_run.conf['taskcluster_task_id'] }}", folder)
    take(uploaded, upload_folder(folder), found, metadata(uploaded), folder)


returned_results()

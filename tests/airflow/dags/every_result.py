"""A task that returns the result of each method of the hook, and one that receives them all."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zipfile import ZipFile

from airflow.providers.common.compat.sdk import dag, task

from airflow_provider_taskcluster.common.timestamps import iso_timestamp
from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
from airflow_provider_taskcluster.waits.conditions.objects import ObjectWait
from airflow_provider_taskcluster.waits.conditions.tasks import TaskWait

LIFE = timedelta(days=1)
UPLOAD_ID = "fN1SbArXTPSVFNUvaOlinQ"
NO_SUCH_TASK = "VZbhGFFgQFmsSHFXPBBNPQ"


def all_results(hook, task_id, folder):
    """Call each method of the hook that returns something; ``look`` is called for each of its verdicts."""
    (folder / "up").mkdir(parents=True)
    (folder / "up" / "a").write_bytes(b"a")
    with ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr("a.txt", b"in it")
    name, artifact = "every/one.txt", (task_id, "public/a.txt")
    yield "upload_object", hook.upload_object(b"text", name, expires=LIFE)
    yield "upload_folder", hook.upload_folder(folder / "up", "every/folder", expires=LIFE)
    yield "upload_artifact", hook.upload_artifact(b"content", task_id, 0, "public/a.txt", expires=LIFE)
    yield "create_upload", hook.create_upload("every/by-hand", upload_id=UPLOAD_ID, expires=LIFE)
    request = {"storageType": "s3", "contentType": "text/plain", "expires": iso_timestamp(datetime.now(UTC) + LIFE)}
    yield "create_artifact", hook.create_artifact(task_id, 0, "public/by-hand", request)
    yield "start_download", hook.start_download(name)
    yield "download_object", hook.download_object(name, folder / "object")
    yield "download_artifact", hook.download_artifact(*artifact, folder / "artifact")
    yield "extract_archive", hook.extract_archive(folder / "a.zip", folder / "extracted")
    yield "object_size", hook.object_size(name)
    yield "object_modified", hook.object_modified(name)
    yield "object_metadata", hook.object_metadata(name)
    yield "object_url", hook.object_url(name)
    yield "multipart_sha256", hook.multipart_sha256(name)
    yield "list_artifacts", hook.list_artifacts(task_id)
    yield "artifact_info", hook.artifact_info(*artifact)
    yield "artifact_modified", hook.artifact_modified(*artifact)
    yield "stored_artifact_length", hook.stored_artifact_length(*artifact)
    yield "task_runs", hook.task_runs(task_id)
    yield "task_status", hook.task_status(task_id)
    yield "task_statuses", hook.task_statuses([task_id])
    yield "task_group", hook.task_group(task_id)
    definition = hook.task_definition(task_id)
    yield "task_definition", definition
    yield "create_task", hook.create_task(task_id, definition)
    yield "schedule_task", hook.schedule_task(task_id)
    yield "rerun_task", hook.rerun_task(task_id)
    yield "insert_task", hook.insert_task("every.result", task_id, expires=LIFE)
    yield "find_task", hook.find_task("every.result")
    yield "look", hook.look(ObjectWait(names=[name]))
    yield "look, not yet", hook.look(ObjectWait(names=["every/no-such"]))
    yield "look, over", hook.look(TaskWait(task_ids=[NO_SUCH_TASK], states=["completed"]))
    hook.purge_cache("provisioner/worker-type", "cache")
    yield "purge_requests", hook.purge_requests("provisioner/worker-type")
    yield "all_purge_requests", hook.all_purge_requests()
    yield "call", hook.call("queue", "status", task_id)
    yield "cancel_task", hook.cancel_task(task_id)
    yield "seal_task_group", hook.seal_task_group(task_id)
    yield "cancel_task_group", hook.cancel_task_group(task_id)
    yield "ping", hook.ping("queue")
    yield from results_of_other_services(hook, task_id)
    yield "test_connection", hook.test_connection()
    yield "temporary_credentials", hook.temporary_credentials(["scope"], LIFE)


def results_of_other_services(hook, task_id):
    """Call the methods of the services secrets, notify and hooks."""
    secret = {"secret": {"key": "value"}, "expires": iso_timestamp(datetime.now(UTC) + LIFE)}
    hook.call("secrets", "set", "every/secret", payload=secret)
    yield "secret", hook.secret("every/secret")
    yield "notify_email", hook.notify_email("every@example.com", "subject", "text")
    yield "notify_slack", hook.notify_slack("C0123456789", "every text")
    yield "notify_matrix", hook.notify_matrix("!every:example.com", "text")
    yield "notify_pulse", hook.notify_pulse("every.result", {"a": 1})
    metadata = {"name": "n", "owner": "nobody@example.com", "description": "d"}
    made = {"metadata": metadata, "task": {"$if": "false", "then": {}}, "triggerSchema": {"type": "object"}}
    hook.call("hooks", "createHook", "every", task_id, payload=made)
    yield "trigger_hook", hook.trigger_hook("every", task_id, {})
    yield "hook_last_fires", hook.hook_last_fires("every", task_id)


@dag(schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC), catchup=False)
def every_result():
    @task
    def call(task_id, folder):
        return dict(all_results(TaskclusterHook(), task_id, Path(folder)))

    @task
    def take(results, folder):
        Path(f"{folder}-taken.json").write_text(json.dumps(results, default=str))

    folder = "{{ dag_run.conf['folder'] }}"
    take(call("{{ dag_run.conf['taskcluster_task_id'] }}", folder), folder)


every_result()

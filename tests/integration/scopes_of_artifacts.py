"""Operations on artifacts and payloads, for the table of scopes."""

from __future__ import annotations

import json
from contextlib import closing
from hashlib import sha256

from scopes_table import line
from scopes_world import DATA

from airflow_provider_taskcluster.operators.artifact_uploads import TaskclusterUploadArtifactOperator
from airflow_provider_taskcluster.operators.artifacts import TaskclusterDownloadArtifactOperator
from airflow_provider_taskcluster.operators.payloads import TaskclusterDownloadPayloadOperator
from airflow_provider_taskcluster.sensors.artifacts import TaskclusterArtifactSensor


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
    grant = w.run.announce(w.name)
    w.run.upload(grant, DATA)
    return lambda: w.hook.finish_artifact(w.run.task_id, 0, w.name, upload_id=grant["uploadId"])


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
            opened.read(10)

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


@line("`stored_artifact_length`")
def artifact_modified(w):
    w.publish(storage_type="s3")
    return lambda: w.hook.artifact_modified(w.run.task_id, w.name)

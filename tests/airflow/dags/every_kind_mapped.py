"""Each operator and sensor, mapped over two values, in a real run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import dag, task

from airflow_provider_taskcluster.operators.artifact_uploads import TaskclusterUploadArtifactOperator
from airflow_provider_taskcluster.operators.artifacts import TaskclusterDownloadArtifactOperator
from airflow_provider_taskcluster.operators.folders import TaskclusterUploadFolderOperator
from airflow_provider_taskcluster.operators.groups import TaskclusterRunTaskGroupOperator
from airflow_provider_taskcluster.operators.hooks import TaskclusterTriggerHookOperator
from airflow_provider_taskcluster.operators.objects import (
    TaskclusterDownloadObjectOperator,
    TaskclusterUploadObjectOperator,
)
from airflow_provider_taskcluster.operators.payloads import TaskclusterDownloadPayloadOperator
from airflow_provider_taskcluster.operators.purge_cache import TaskclusterPurgeCacheOperator
from airflow_provider_taskcluster.operators.run_task import TaskclusterRunTaskOperator
from airflow_provider_taskcluster.operators.tasks import (
    TaskclusterCancelTaskOperator,
    TaskclusterIndexTaskOperator,
    TaskclusterRerunTaskOperator,
)
from airflow_provider_taskcluster.sensors.artifacts import TaskclusterArtifactSensor
from airflow_provider_taskcluster.sensors.index import TaskclusterIndexSensor
from airflow_provider_taskcluster.sensors.objects import TaskclusterObjectSensor
from airflow_provider_taskcluster.sensors.tasks import TaskclusterTaskGroupSensor, TaskclusterTaskSensor
from airflow_provider_taskcluster.tasks.generic_worker import generic_worker_payload

DAY = timedelta(days=1)
CONF = "{{ dag_run.conf['%s'] }}"
DONE, RUNNING, FOLDER = CONF % "done", CONF % "running", CONF % "folder"
ARTIFACTS = ["public/a", "public/b"]
OBJECTS = ["every-kind/a", "every-kind/b"]


@dag(schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC))
def every_kind_mapped():
    @task
    def twice(value: str) -> list[str]:
        return [value, value]

    upload = TaskclusterUploadObjectOperator.partial(task_id="upload", data="text", expires=DAY).expand(name=OBJECTS)
    TaskclusterUploadFolderOperator.partial(task_id="upload_folder", folder=f"{FOLDER}/up", expires=DAY).expand(
        prefix=["every-kind/1/", "every-kind/2/"]
    )
    TaskclusterUploadArtifactOperator.partial(
        task_id="upload_artifact", taskcluster_task_id=RUNNING, run_id=0, data="text", expires=DAY
    ).expand(name=ARTIFACTS)
    wait = TaskclusterObjectSensor.partial(task_id="wait", timeout=60).expand(name=OBJECTS)
    download = TaskclusterDownloadObjectOperator.partial(task_id="download", name=OBJECTS[0]).expand(
        destination=[f"{FOLDER}/object-a", f"{FOLDER}/object-b"]
    )
    upload >> wait >> download
    TaskclusterDownloadArtifactOperator.partial(
        task_id="download_artifact", taskcluster_task_id=DONE, name=ARTIFACTS[0]
    ).expand(destination=[f"{FOLDER}/artifact-a", f"{FOLDER}/artifact-b"])
    TaskclusterDownloadPayloadOperator.partial(
        task_id="download_payload", destination=f"{FOLDER}/payload", taskcluster_task_id=DONE
    ).expand(include=ARTIFACTS)
    TaskclusterPurgeCacheOperator.partial(task_id="purge", worker_pool_id="proj/pool").expand(cache_names=["a", "b"])
    TaskclusterCancelTaskOperator.partial(task_id="cancel").expand(
        taskcluster_task_id=twice.override(task_id="to_cancel")(DONE)
    )
    TaskclusterRerunTaskOperator.partial(task_id="rerun").expand(
        taskcluster_task_id=twice.override(task_id="to_rerun")(RUNNING)
    )
    TaskclusterRunTaskOperator.partial(
        task_id="run", task_queue_id=CONF % "queue", log="none", poll_interval=0.1
    ).expand(
        payload=[generic_worker_payload(["true"], max_run_time=60), generic_worker_payload(["true"], max_run_time=90)]
    )
    TaskclusterTriggerHookOperator.partial(
        task_id="trigger", hook_group_id=CONF % "hook_group", hook_id=CONF % "hook", log="none", poll_interval=0.1
    ).expand(payload=[{}, {"branch": "main"}])
    TaskclusterRunTaskGroupOperator.partial(
        task_id="run_group", task_queue_id=CONF % "queue", poll_interval=0.1
    ).expand(
        tasks=[{"first": {"payload": generic_worker_payload(["true"], max_run_time=seconds)}} for seconds in (60, 90)]
    )
    TaskclusterIndexTaskOperator.partial(task_id="index", taskcluster_task_id=DONE, expires=DAY).expand(
        index_path=["every-kind.c", "every-kind.d"]
    )
    TaskclusterArtifactSensor.partial(task_id="wait_artifact", taskcluster_task_id=DONE, timeout=60).expand(
        name=ARTIFACTS
    )
    TaskclusterTaskSensor.partial(task_id="wait_task", timeout=60).expand(taskcluster_task_id=twice(DONE))
    TaskclusterTaskGroupSensor.partial(task_id="wait_group", timeout=60).expand(
        task_group_id=twice.override(task_id="groups")(DONE)
    )
    TaskclusterIndexSensor.partial(task_id="wait_index", timeout=60).expand(index_path=["every-kind.a", "every-kind.b"])


every_kind_mapped()

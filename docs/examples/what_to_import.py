"""All that one imports from the provider, by what it is for."""

# ruff: noqa: F401, I001 (they are shown, one by one)

from __future__ import annotations

# [START operators]
from airflow_provider_taskcluster.operators.artifact_uploads import TaskclusterUploadArtifactOperator
from airflow_provider_taskcluster.operators.artifacts import TaskclusterDownloadArtifactOperator
from airflow_provider_taskcluster.operators.folders import TaskclusterUploadFolderOperator
from airflow_provider_taskcluster.operators.groups import TaskclusterRunTaskGroupOperator
from airflow_provider_taskcluster.operators.hooks import TaskclusterTriggerHookOperator
from airflow_provider_taskcluster.operators.objects import TaskclusterDownloadObjectOperator
from airflow_provider_taskcluster.operators.objects import TaskclusterUploadObjectOperator
from airflow_provider_taskcluster.operators.payloads import TaskclusterDownloadPayloadOperator
from airflow_provider_taskcluster.operators.purge_cache import TaskclusterPurgeCacheOperator
from airflow_provider_taskcluster.operators.run_task import TaskclusterRunTaskOperator
from airflow_provider_taskcluster.operators.tasks import TaskclusterCancelTaskOperator
from airflow_provider_taskcluster.operators.tasks import TaskclusterIndexTaskOperator
from airflow_provider_taskcluster.operators.tasks import TaskclusterRerunTaskOperator

# [END operators]
# [START sensors]
from airflow_provider_taskcluster.sensors.artifacts import TaskclusterArtifactSensor
from airflow_provider_taskcluster.sensors.index import TaskclusterIndexSensor
from airflow_provider_taskcluster.sensors.objects import TaskclusterObjectSensor
from airflow_provider_taskcluster.sensors.tasks import TaskclusterTaskGroupSensor
from airflow_provider_taskcluster.sensors.tasks import TaskclusterTaskSensor

# [END sensors]
# [START triggers]
from airflow_provider_taskcluster.triggers.events import TaskclusterIndexEventTrigger
from airflow_provider_taskcluster.triggers.events import TaskclusterObjectEventTrigger

# [END triggers]
# [START hooks]
from airflow_provider_taskcluster.hooks.asynchronous import TaskclusterAsyncHook
from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook

# [END hooks]
# [START waits]
from airflow_provider_taskcluster.types import ArtifactWait
from airflow_provider_taskcluster.types import IndexWait
from airflow_provider_taskcluster.types import ObjectWait
from airflow_provider_taskcluster.types import TaskGroupWait
from airflow_provider_taskcluster.types import TaskWait
# [END waits]

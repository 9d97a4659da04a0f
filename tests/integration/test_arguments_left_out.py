"""Optional arguments that a template or a form leaves empty count as not given.

An empty ``upload_id`` or ``recorder`` is refused: a retry would not find what it counts on.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

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
from airflow_provider_taskcluster.sensors.objects import TaskclusterObjectSensor

CONNECTION = {"task_id": "task", "taskcluster_conn_id": "tc_test"}

pytestmark = pytest.mark.parametrize("nothing", ["", None], ids=["empty", "None"])


@pytest.fixture
def context():
    return {"dag_run": SimpleNamespace(start_date=datetime.now(UTC))}


def test_of_uploads(hook, name, run, context, tmp_path, nothing):
    (tmp_path / "file").write_bytes(b"data")
    terms = {**CONNECTION, "expires": timedelta(days=1)}
    kind = {"content_type": nothing}
    TaskclusterUploadObjectOperator(
        **terms, **kind, name=name, data="data", source=nothing, project_id=nothing
    ).execute(context)
    TaskclusterUploadFolderOperator(**terms, folder=str(tmp_path), prefix=f"{name}/", project_id=nothing).execute(
        context
    )
    assert hook.read_object(name) == hook.read_object(f"{name}/file") == b"data"
    of_run = {"taskcluster_task_id": run.task_id, "run_id": run.run_id, "url": nothing, "link_to": nothing}
    TaskclusterUploadArtifactOperator(
        **terms, **kind, **of_run, name="public/a", data="", source=nothing, error=nothing
    ).execute(context)
    assert hook.read_artifact(run.task_id, "public/a") == b""


def test_of_downloads(hook, name, expires, run, context, tmp_path, nothing):
    hook.upload_object(b"data", name, expires=expires)
    run.add("public/a", b"data")
    where = {**CONNECTION, "extract_to": nothing}
    of_task = {"taskcluster_task_id": run.task_id, "run_id": nothing}
    TaskclusterDownloadObjectOperator(**where, name=name, destination=str(tmp_path / "o")).execute(context)
    TaskclusterDownloadArtifactOperator(**where, **of_task, name="public/a", destination=str(tmp_path / "a")).execute(
        context
    )
    TaskclusterDownloadPayloadOperator(
        **where, **of_task, prefix=nothing, include=nothing, exclude=nothing, destination=str(tmp_path / "p")
    ).execute(context)
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {"o", "a", "p/public/a", "p/taskcluster-payload.json"}


def test_of_the_others(hook, name, expires, run, context, nothing):
    hook.upload_object(b"data", name, expires=expires)
    run.add("public/a", b"data")
    TaskclusterPurgeCacheOperator(
        **CONNECTION, cache_names="a", worker_pool_id="a/b", provisioner_id=nothing, worker_type=nothing
    ).execute(context)
    TaskclusterPurgeCacheOperator(
        **CONNECTION, cache_names="a", worker_pool_id=nothing, provisioner_id="a", worker_type="c"
    ).execute(context)
    of_task = {"taskcluster_task_id": run.task_id, "run_id": nothing, "content_type": nothing, "min_length": nothing}
    for chosen in ({"name": "public/a", "glob": nothing}, {"name": nothing, "glob": "public/*"}):
        assert TaskclusterArtifactSensor(**CONNECTION, **of_task, **chosen).poke(context).is_done
    assert TaskclusterObjectSensor(**CONNECTION, name=name, expected_digest=nothing).poke(context).is_done

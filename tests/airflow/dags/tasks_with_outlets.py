"""Tasks whose events are of outlets: aliases and other assets than those that the DAG names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import Asset, AssetAlias, dag

from airflow_provider_taskcluster.operators.artifact_uploads import TaskclusterUploadArtifactOperator
from airflow_provider_taskcluster.operators.objects import TaskclusterUploadObjectOperator

KNOWN = Asset("airflow-demo-upload")


@dag(schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC))
def tasks_with_outlets():
    TaskclusterUploadObjectOperator(
        task_id="upload",
        name="outlets/{{ run_id }}",
        data="12345",
        expires=timedelta(days=1),
        outlets=[Asset.ref(name=KNOWN.name) if hasattr(Asset, "ref") else KNOWN],  # Airflow 2 has no references
    )
    for kind, given in [
        ("reference", {"url": "https://example.com/"}),
        ("link", {"link_to": "a"}),
        ("error", {"error": "no"}),
    ]:
        TaskclusterUploadArtifactOperator(
            task_id=kind,
            taskcluster_task_id="{{ dag_run.conf['task'] }}",
            run_id=0,
            name=f"public/{kind}",
            expires=timedelta(hours=1),
            outlets=[AssetAlias("airflow-demo-uploads"), *([Asset("airflow-demo-site")] if kind == "error" else [])],
            **given,
        )


tasks_with_outlets()

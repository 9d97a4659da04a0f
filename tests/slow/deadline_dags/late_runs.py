"""DAGs whose runs are late: with the callback of the page, and with one for an address that is denylisted."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from runpy import run_path

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, AsyncCallback, DeadlineAlert, DeadlineReference

from airflow_provider_taskcluster.notifications.taskcluster import TaskclusterNotifier

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
CALLBACKS = {
    "nightly": run_path(str(EXAMPLES / "late_notifier.py"))["late"],
    "denied": AsyncCallback(
        TaskclusterNotifier, kwargs={"slack": ["CDENIED", "CTOO"], "text": "since {{ deadline.deadline_time }}"}
    ),
}

for dag_id, callback in CALLBACKS.items():
    alert = DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT, interval=timedelta(seconds=1), callback=callback
    )
    with DAG(dag_id, schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC), catchup=False, deadline=alert):
        gate = f"while [ ! -e {os.environ['LATE_GATE']} ]; do sleep 0.2; done"
        BashOperator(task_id="late", bash_command=gate)

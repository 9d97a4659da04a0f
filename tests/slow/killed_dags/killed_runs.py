"""Taskcluster tasks, groups and hooks that are run by Airflow tasks which get killed, for the tests of kills."""

from __future__ import annotations

import json
import os
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_taskcluster.operators.groups import TaskclusterRunTaskGroupOperator
from airflow_provider_taskcluster.operators.hooks import TaskclusterTriggerHookOperator
from airflow_provider_taskcluster.operators.run_task import TaskclusterRunTaskOperator

FOLDER = Path(os.environ["KILLED_FOLDER"])
# Lines before and after a gate, which is a file that the test makes; and a small result.
SCRIPT = """
seq -f 'line %g before the gate' 300
while [ ! -e "$GATE" ]; do sleep 0.2; done
seq -f 'line %g behind the gate' 300
echo '{"answer": 42}' > result.json
"""
RETRIES = 3
QUEUE = "tests/killed"


def on_an_empty_disk(context):
    """Give each try a HOME and a TMPDIR of its own, and tell the test which process it is."""
    name = f"{context['ti'].dag_id}.{context['ti'].task_id}"
    for variable in ("HOME", "TMPDIR"):
        os.environ[variable] = tempfile.mkdtemp(prefix=f"{name}-{variable}-", dir=FOLDER)
    tempfile.tempdir = None
    note = Path(os.environ["TMPDIR"], "pid")
    note.write_text(str(os.getpid()))
    note.rename(FOLDER / f"{name}.pid")


def payload(name):
    return {
        "command": [["sh", "-c", SCRIPT]],
        "env": {"GATE": str(FOLDER / f"{name}.gate"), "NAME": name},
        "artifacts": [{"type": "file", "path": "result.json", "name": "public/result.json"}],
        "maxRunTime": 600,
    }


def graph(name):
    """A graph, one of whose tasks waits at the gate."""
    others = {"name": name, "payload": {"command": [["true"]], "maxRunTime": 600}}
    return {
        "first": others,
        "gated": {"name": name, "payload": payload(name), "dependencies": ["first"]},
        "beside": {**others, "dependencies": ["first"]},
        "last": {**others, "dependencies": ["gated", "beside"]},
    }


def operator_of(name, *, group=False, **arguments):
    """Make the operator that the arguments are for: ``name`` is that of its Taskcluster tasks."""
    if group:
        return TaskclusterRunTaskGroupOperator(tasks=graph(name), task_queue_id=QUEUE, **arguments)
    shown = {"result_artifact": "public/result.json", "log_lines": None, "payload": payload(name)}
    if "hook_id" in arguments:
        return TaskclusterTriggerHookOperator(**shown, **arguments)
    return TaskclusterRunTaskOperator(task_queue_id=QUEUE, **shown, **arguments)


for dag_id, tasks in json.loads(os.environ["KILLED_TASKS"]).items():
    with DAG(dag_id, schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC), catchup=False, max_active_tasks=100):
        for name, arguments in tasks.items():
            operator_of(
                f"{dag_id}.{name}",
                task_id=name,
                taskcluster_conn_id=f"killed_{name}",
                # Events that fire before the executor has reported all deferrals meet a race in Airflow.
                poll_interval=8 if arguments.get("deferrable") else 1,
                retries=RETRIES,
                retry_delay=timedelta(seconds=3),  # Airflow 2.11 mixes up tries that follow at once
                pre_execute=on_an_empty_disk,
                **arguments,
            )

"""Differences between the Airflow lines, in one place for all tests of this folder."""

from __future__ import annotations

from importlib.metadata import version

LINE = version("apache-airflow").rsplit(".", 1)[0]
AIRFLOW_2 = LINE.startswith("2.")

try:
    from airflow.sdk.execution_time import comms
except ImportError:  # Airflow 2
    REFUSES_TO_BLOCK = False
else:
    REFUSES_TO_BLOCK = hasattr(comms, "DeadlockImminentError")

try:
    from airflow.serialization.serialized_objects import DagSerialization as StoredDag
except ImportError:  # until 3.1
    from airflow.serialization.serialized_objects import SerializedDAG as StoredDag


def stored(dag):
    """Return the DAG as the scheduler and the web server store it."""
    return StoredDag.from_dict(StoredDag.to_dict(dag))


def store(dag):
    """Store a DAG: 2.11 and 3.0 refuse events of assets that no stored DAG has.

    A real Airflow parses its folder all the time; from 3.1 on, ``dag.test()`` does so itself.
    """
    if AIRFLOW_2:
        dag.sync_to_db()
    elif LINE == "3.0":
        from airflow.dag_processing.bundles.manager import DagBundlesManager
        from airflow.models.dagbag import DagBag

        DagBundlesManager().sync_bundles_to_db()
        DagBag(dag.fileloc).sync_to_db("dags-folder", None)


def start_task_api():
    """Start the task API that ``dag.test()`` of Airflow 3 uses, whose thread with a loop stays."""
    if not AIRFLOW_2:
        from airflow.sdk.execution_time.supervisor import in_process_api_server

        _ = in_process_api_server().transport


def tested_instances(dag):
    """Run ``dag.test()`` and return the task instances. On 2.11, a time-out and a SIGTERM end the run."""
    from airflow.providers.common.compat.sdk import AirflowTaskTimeout

    try:
        from airflow.sdk.exceptions import AirflowTaskTerminated
    except ImportError:  # Airflow 2
        from airflow.exceptions import AirflowTaskTerminated

    try:
        return dag.test().get_task_instances()
    except (AirflowTaskTimeout, AirflowTaskTerminated):
        from airflow.models.taskinstance import TaskInstance
        from airflow.utils.session import create_session

        with create_session() as session:
            found = session.query(TaskInstance).filter_by(dag_id=dag.dag_id).all()
            session.expunge_all()
            return found


def mend_reschedules(monkeypatch):
    """Let ``dag.test()`` of 3.0 run sensors that are rescheduled, as its workers do.

    It gives them the date of their first look unread, as text, and fails when they count with it.
    """
    if LINE == "3.0":
        from airflow.sdk.execution_time.comms import TaskRescheduleStartDate

        monkeypatch.setattr(TaskRescheduleStartDate, "model_construct", TaskRescheduleStartDate)

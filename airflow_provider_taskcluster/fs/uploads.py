"""Expiry and recorder of a file's upload, the same in each try of an Airflow task."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowException, get_current_context

from airflow_provider_taskcluster.common.arguments import expiry_from
from airflow_provider_taskcluster.transfer.upload.recorder import StateStoreRecorder

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_taskcluster.transfer.upload.recorder import Recorder

# Taskcluster's own default for tasks and their artifacts.
DEFAULT_LIFETIME = timedelta(days=365)


def expiry_and_recorder(expires: datetime | timedelta | str) -> tuple[datetime, Recorder | None]:
    """Return the expiry and the recorder of an upload that starts now.

    :param expires: A datetime, its ISO text, or a timedelta. A timedelta counts from the start of the DAG run; outside
        of a task from the next midnight (UTC), so that a write repeated on the same day is the same upload.
    """
    context = _task_context()
    if context is None:
        tomorrow = datetime.now(UTC).date() + timedelta(days=1)
        return expiry_from(expires, datetime.combine(tomorrow, time(), UTC)), None
    store = context.get("task_state_store")
    recorder = None if store is None else StateStoreRecorder(store)
    return expiry_from(expires, context["dag_run"].start_date), recorder


def _task_context() -> Context | Any:
    """Return the context of the running task, None outside of a task."""
    try:
        return get_current_context()
    except (RuntimeError, AirflowException):  # Airflow 3, Airflow 2
        return None

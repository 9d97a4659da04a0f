"""When an uploaded file expires, and where its upload id is kept: the same in every try of a task, if this is one."""

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
LIFE = timedelta(days=365)


def terms(expires: datetime | timedelta | str) -> tuple[datetime, Recorder | None]:
    """Return when an upload that starts now ends, and its recorder.

    :param expires: A datetime, its ISO text, or a timedelta: counted from the start of the DAG run; outside of a task
        from the coming midnight (UTC), so that the same write repeated on that day is the same upload.
    """
    context = _task()
    if context is None:
        tomorrow = datetime.now(UTC).date() + timedelta(days=1)
        return expiry_from(expires, datetime.combine(tomorrow, time(), UTC)), None
    store = context.get("task_state_store")
    recorder = None if store is None else StateStoreRecorder(store)
    return expiry_from(expires, context["dag_run"].start_date), recorder


def _task() -> Context | Any:
    """Return the context of the task that runs this, None outside of one."""
    try:
        return get_current_context()
    except (RuntimeError, AirflowException):  # Airflow 3, Airflow 2
        return None

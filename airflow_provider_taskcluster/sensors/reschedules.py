"""Whether a sensor ran before, in another process: with ``mode="reschedule"`` each check has a process of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


def was_rescheduled(context: Context) -> bool:
    """Return whether Airflow has rescheduled this try before."""
    instance: Any = context["ti"]
    if hasattr(instance, "get_first_reschedule_date"):
        return instance.get_first_reschedule_date(context) is not None
    from airflow.models.taskreschedule import TaskReschedule  # Airflow 2
    from airflow.utils.session import create_session

    with create_session() as session:
        return session.scalar(TaskReschedule.stmt_for_task_instance(instance).limit(1)) is not None

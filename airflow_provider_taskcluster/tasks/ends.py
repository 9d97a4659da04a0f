"""The end of a task: whether it is a success, a failure for good, or one that a new attempt may mend. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.common.arguments import choice, name_list
from airflow_provider_taskcluster.exceptions import TaskNotCompleted

if TYPE_CHECKING:
    from collections.abc import Collection

    from airflow_provider_taskcluster.services.schemas import TaskRun

# Ends that a new attempt may mend: the faults are those of the infrastructure. The queue has used up its own retries of
# the last three, and does not retry the first two.
RETRIED_BY_DEFAULT = (
    "internal-error",
    "resource-unavailable",
    "claim-expired",
    "worker-shutdown",
    "intermittent-task",
)
ENDS = (*RETRIED_BY_DEFAULT, "failed", "malformed-payload", "canceled", "deadline-exceeded")
COMPLETED = "completed"
CANCELED = "canceled"


def end_of(run: TaskRun) -> str:
    """Return how a resolved run ended: ``completed``, ``failed``, or the reason of an exception."""
    return run["state"] if run["state"] != "exception" else run.get("reasonResolved", "exception")


def read_retry_on(value: Any, argument: str = "retry_on") -> list[str]:
    """Return the ends after which Airflow's next try starts a new task.

    :raises InvalidInput: One is not known; the error names those that are.
    """
    if isinstance(value, list | tuple | set | frozenset) and not value:
        return []
    return [choice(end, argument, ENDS) for end in name_list(value, argument)]


def not_completed(run: TaskRun, message: str, retry_on: Collection[str]) -> TaskNotCompleted:
    """Return the error for a run that did not complete.

    :param message: The task, and how it ended.
    :param retry_on: Ends after which another try of the Airflow task may help.
    """
    end = end_of(run)
    if end in retry_on:
        return TaskNotCompleted(f"{message}; the next try of this Airflow task starts a new attempt", transient=True)
    return TaskNotCompleted(message, transient=False)

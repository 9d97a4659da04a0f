"""The end of a task: whether it is a success, a failure for good, or one that a new attempt may mend. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.common.arguments import choice, name_list
from airflow_provider_taskcluster.common.task_states import RESOLVED
from airflow_provider_taskcluster.exceptions import TaskNotCompleted

if TYPE_CHECKING:
    from collections.abc import Collection

    from airflow_provider_taskcluster.services.schemas import TaskRun, TaskStatus

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


def end_of_task(status: TaskStatus) -> str | None:
    """Return how the latest run of a task ended; None if the task is not resolved."""
    return end_of(status["runs"][-1]) if status["runs"] and status["state"] in RESOLVED else None


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
    return unsuccessful(message, retried=end_of(run) in retry_on)


def unsuccessful(message: str, *, retried: bool) -> TaskNotCompleted:
    """Return the error for what did not complete.

    :param retried: Whether another try of the Airflow task may help, which the message then says.
    """
    if retried:
        message = f"{message}; the next try of this Airflow task starts a new attempt"
    return TaskNotCompleted(message, transient=retried)

"""Base class of operators whose tries find the Taskcluster task of an earlier try by an id that all of them derive."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_taskcluster.common.arguments import flag
from airflow_provider_taskcluster.operators.following import TaskclusterFollowingOperator
from airflow_provider_taskcluster.operators.origins import origin_and_key
from airflow_provider_taskcluster.tasks.ends import CANCELED, end_of_task, read_retry_on

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from airflow.providers.common.compat.sdk import Context, ObjectStoragePath

    from airflow_provider_taskcluster.services.schemas import TaskStatus

log = logging.getLogger(__name__)


class TaskclusterAttemptsOperator(TaskclusterFollowingOperator):
    """Base class of operators that start one task: again after an end in ``retry_on``, and otherwise once.

    :param rerun: Rerun the same task, in place of starting another one, after an end in ``retry_on``.
    :param recorder: Folder, or URL of an ``ObjectStoragePath``, that all tries can reach (templated), for a key of the
        ids.
    """

    checks: ClassVar = {"rerun": flag}

    def __init__(self, *, rerun: bool = False, recorder: str | ObjectStoragePath | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rerun = rerun
        self.recorder = recorder

    def _attempt_ids(self, context: Context, lifetime: timedelta) -> Callable[[int], str]:
        """Return a function that derives the id of an attempt from its number, in every try the same.

        :param lifetime: From now to the deadline of the task: a key that is kept is needed until then.
        """
        from airflow_provider_taskcluster.tasks.task_ids import derived_task_id

        origin, key = origin_and_key(self, context, lifetime)
        return lambda attempt: derived_task_id(key, origin, attempt)

    def _warn_of_rerun(self, status: TaskStatus) -> None:
        runs = status["runs"]
        if runs and runs[-1].get("reasonCreated") == "rerun" and not self.rerun:
            log.warning("Run %r of task %r is a rerun by somebody", runs[-1]["runId"], status["taskId"])

    def _note(self, task_id: str | None) -> None:
        self.taskcluster_task_id = task_id

    def _is_spent(self, status: TaskStatus) -> bool:
        """Tell whether an earlier try's task has ended so that this try makes a new attempt.

        A task that was canceled before this try began was canceled by the kill or time-out of an earlier one.
        """
        end = end_of_task(status)
        return end in read_retry_on(self.retry_on) or (end == CANCELED and self.when_killed == "cancel")

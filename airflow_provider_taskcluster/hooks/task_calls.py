"""The calls of the hook that create, change and index tasks, written once, as coroutines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.common import names
from airflow_provider_taskcluster.common.messages import visible
from airflow_provider_taskcluster.common.timestamps import iso_timestamp
from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.hooks.base import future_expiry
from airflow_provider_taskcluster.services.index import Index
from airflow_provider_taskcluster.services.task_changes import TaskChanges
from airflow_provider_taskcluster.services.task_definitions import LARGEST_INTEGER, check_json
from airflow_provider_taskcluster.services.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from airflow_provider_taskcluster.services.client import Client
    from airflow_provider_taskcluster.services.schemas import IndexedTask, Json, TaskStatus


def canceled_task(status: TaskStatus) -> str:
    """Say for a log what a cancel of a task has done."""
    return f"Canceled task {status['taskId']!r}: it is {visible(status['state'])}"


class TaskCalls:
    """Calls of the queue and the index through one client."""

    client: Client

    async def create_task(self, task_id: str, definition: Mapping[str, Any]) -> TaskStatus:
        """Create a task, or return the status of the task that exists with the same id and definition.

        ::

            task_id = taskcluster.slugId()
            status = hook.create_task(task_id, {"taskQueueId": "my-team/linux", "created": ..., "deadline": ..., ...})

        A repetition creates no second task only with the same ``task_id`` and the same ``definition``, dates included:
        keep both for the next try. If the queue refuses a repetition although the task exists (``created`` is 15
        minutes old, the deadline is past, the group is sealed, the priority was changed), its status is returned.

        Scopes ``queue:create-task:project:<projectId>``, ``queue:scheduler-id:<schedulerId>``,
        ``queue:create-task:<priority>:<provisionerId>/<workerType>``, ``queue:route:<route>`` for each route, and every
        scope in ``scopes``; to recognize a task after a refusal ``queue:status:<taskId>``, ``queue:get-task:<taskId>``.

        :param task_id: Id of the task, a v4 slugid that the caller chooses.
        :param definition: ``queue/v1/create-task-request.json``.
        :raises InvalidInput: The queue cannot carry the definition: no JSON, over 10 MiB, NUL characters or lone
            surrogates, integers over 2^53. Nothing was sent.
        :raises Conflict: The id belongs to another task, or the task group takes no more tasks.
        """
        return await TaskChanges(self.client).create(names.task_id(task_id), definition)

    async def task_status(self, task_id: str) -> TaskStatus:
        """Return the status of a task: its state, and all its runs. Scope ``queue:status:<taskId>``.

        :raises NotFound: There is no such task.
        """
        return await Tasks(self.client).status(names.task_id(task_id))

    async def task_definition(self, task_id: str) -> Json:
        """Return the definition of a task, with all defaults. Scope ``queue:get-task:<taskId>``.

        :raises NotFound: There is no such task.
        """
        return await TaskChanges(self.client).definition(names.task_id(task_id))

    async def cancel_task(self, task_id: str) -> TaskStatus:
        """Cancel a task unless it is resolved; the status says which. May be repeated.

        The worker is not told: it may go on for minutes. Past the deadline nothing is left to cancel, and the status is
        returned. Scope ``queue:cancel-task:<schedulerId>/<taskGroupId>/<taskId>``.

        :raises NotFound: There is no such task.
        """
        return await TaskChanges(self.client).cancel(names.task_id(task_id))

    async def rerun_task(self, task_id: str) -> TaskStatus:
        """Add a run to a resolved or unscheduled task; a pending or running one does not change.

        Scope ``queue:rerun-task:<schedulerId>/<taskGroupId>/<taskId>``.

        :raises NotFound: There is no such task.
        :raises Conflict: The task is past its deadline, or had 50 runs.
        """
        return await TaskChanges(self.client).rerun(names.task_id(task_id))

    async def schedule_task(self, task_id: str) -> TaskStatus:
        """Schedule an unscheduled task whatever it depends on; another one does not change. May be repeated.

        Scope ``queue:schedule-task:<schedulerId>/<taskGroupId>/<taskId>``.

        :raises NotFound: There is no such task.
        :raises Conflict: The task is past its deadline.
        """
        return await TaskChanges(self.client).schedule(names.task_id(task_id))

    async def find_task(self, index_path: str) -> IndexedTask:
        """Return the task at a path of the index. Scope ``index:find-task:<indexPath>``.

        :raises NotFound: There is none, or its entry has expired.
        """
        return await Index(self.client).find_task(names.index_path(index_path))

    async def insert_task(
        self,
        index_path: str,
        task_id: str,
        *,
        expires: datetime | timedelta,
        rank: int = 0,
        data: Mapping[str, Any] | None = None,
    ) -> IndexedTask:
        """Insert a task at a path of the index. May be repeated. Scope ``index:insert-task:<indexPath>``.

        The task need not exist. A task of a higher rank stays, and is what is returned.

        :param index_path: The path, without ``index.``.
        :param expires: When the entry ends; a timedelta counts from now.
        :param rank: A whole number: the highest rank stays at the path, and of equal ones the latest.
        :param data: Any JSON object.
        """
        end = future_expiry(expires, "nobody would find the entry")
        if isinstance(rank, bool) or not isinstance(rank, int) or abs(rank) > LARGEST_INTEGER:
            raise InvalidInput(f"rank is {repr(rank)[:100]}: pass a whole number, 2^53 at most")
        entry = {"taskId": names.task_id(task_id), "rank": rank, "data": {} if data is None else data}
        check_json(entry["data"], "data")
        return await Index(self.client).insert_task(
            names.index_path(index_path), {**entry, "expires": iso_timestamp(end)}
        )

"""The calls of the queue that create and change tasks (``queue/v1/api.json``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.exceptions import Conflict, InsufficientScopes, NotFound, ServiceError
from airflow_provider_taskcluster.services.schemas import STATUS, task_definition
from airflow_provider_taskcluster.services.service_calls import ServiceCalls
from airflow_provider_taskcluster.services.task_definitions import check_json, is_same_task
from airflow_provider_taskcluster.services.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_taskcluster.services.schemas import Json, TaskStatus

# createTask answers with these also where the task is there: its dates or its group are checked first.
REFUSED = {400, 409}


class TaskChanges(ServiceCalls):
    """Calls of the queue through one client. Each may be repeated."""

    async def definition(self, task_id: str) -> Json:
        """Return the definition of a task. Scope ``queue:get-task:<taskId>``.

        :raises NotFound: There is no such task.
        """
        found: Json = await self.client.call("queue", "task", task_id, read=task_definition)
        return found

    async def create(self, task_id: str, definition: Mapping[str, Any]) -> TaskStatus:
        """Create a task, or find the one that is there with this definition.

        :raises InvalidInput: The queue cannot carry the definition.
        :raises Conflict: The id belongs to another task, or the group takes no more tasks.
        """
        check_json(definition, "definition")
        try:
            return await self._change("createTask", task_id, payload=definition)
        except ServiceError as error:
            if error.status not in REFUSED:
                raise
            found = await self._created_before(task_id, definition)
            if found is None:
                raise
            return found

    async def _created_before(self, task_id: str, definition: Mapping[str, Any]) -> TaskStatus | None:
        """Return the status of the task if an earlier call created it; None if not, or if the client may not know."""
        try:
            status = await Tasks(self.client).status(task_id)
            found = await self.definition(task_id)
        except (NotFound, InsufficientScopes):
            return None
        return status if is_same_task(task_id, definition, found) else None

    async def cancel(self, task_id: str) -> TaskStatus:
        """Cancel a task unless it is resolved. Past its deadline nothing is left to cancel: its status is returned.

        :raises NotFound: There is no such task.
        """
        try:
            return await self._change("cancelTask", task_id)
        except Conflict as error:
            try:
                return await Tasks(self.client).status(task_id)
            except InsufficientScopes:
                raise error from None

    async def rerun(self, task_id: str) -> TaskStatus:
        """Add a run to a resolved or unscheduled task; a pending or running one does not change.

        :raises NotFound: There is no such task.
        :raises Conflict: It is past its deadline, or had 50 runs.
        """
        return await self._change("rerunTask", task_id)

    async def schedule(self, task_id: str) -> TaskStatus:
        """Schedule an unscheduled task whatever it depends on; another one does not change.

        :raises NotFound: There is no such task.
        :raises Conflict: It is past its deadline.
        """
        return await self._change("scheduleTask", task_id)

    async def _change(self, method: str, task_id: str, payload: Mapping[str, Any] | None = None) -> TaskStatus:
        answer: Json = await self.client.call("queue", method, task_id, payload=payload, read=STATUS)
        status: TaskStatus = answer["status"]
        return status

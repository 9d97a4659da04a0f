"""The calls of the hooks service that trigger hooks and list their fires (``hooks/v1/api.json``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.exceptions import (
    AuthenticationFailed,
    ConnectionFailed,
    InsufficientScopes,
    NotFound,
    ServiceError,
    TaskclusterError,
)
from airflow_provider_taskcluster.services.paging import pages
from airflow_provider_taskcluster.services.schemas import LAST_FIRES, TRIGGERED
from airflow_provider_taskcluster.services.service_calls import ServiceCalls
from airflow_provider_taskcluster.services.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from airflow_provider_taskcluster.services.schemas import HookFire, Json

SERVICE = "hooks"
# Fires in one page of the list.
FIRES_PAGE = 100
BAD_REQUEST = 400
# Begin the messages of a 400 about a fire that is on record. Any other 400 is about the payload, and nothing was made.
_ON_RECORD = ("While firing hook", "While calling createTask")
_RECORDED_TWICE = "duplicate key value violates unique constraint"
_OF_THE_ROLE = "The role `"


class Hooks(ServiceCalls):
    """Calls of the hooks service through one client."""

    async def trigger(
        self, hook_group_id: str, hook_id: str, payload: Mapping[str, Any], task_id: str | None = None
    ) -> str | None:
        """Trigger a hook, once, and return the id of its task; None if its template renders to nothing.

        :param task_id: The id that the payload asks for. After an error that leaves it open whether the hook made the
            task, the queue is asked.
        :raises TaskclusterError: The error of the trigger; or that of the queue, which leaves it open.
        """
        try:
            answer: Json = await self.client.call(
                SERVICE, "triggerHook", hook_group_id, hook_id, payload=payload, once=True, read=TRIGGERED
            )
        except (ServiceError, ConnectionFailed) as error:
            if task_id is None or not may_have_fired(error) or not await self._exists(task_id):
                raise
            return task_id
        made: str | None = answer.get("taskId")
        return made

    async def fires(self, hook_group_id: str, hook_id: str) -> AsyncIterator[list[HookFire]]:
        """Yield the fires of a hook, page by page, newest first. Scope ``hooks:list-last-fires:<group>/<hook>``.

        :raises NotFound: There is no such hook, or it never fired.
        """

        async def ask(query: dict[str, str]) -> Json:
            response: Json = await self.client.call(
                SERVICE, "listLastFires", hook_group_id, hook_id, query={"limit": FIRES_PAGE, **query}, read=LAST_FIRES
            )
            return response

        async for page in pages(f"The list of fires of hook {hook_group_id}/{hook_id}", ask):
            yield page["lastFires"]

    async def _exists(self, task_id: str) -> bool:
        """Tell whether a task exists, as far as the client may know."""
        try:
            await Tasks(self.client).status(task_id)
        except (NotFound, InsufficientScopes):
            return False
        return True


def may_have_fired(error: TaskclusterError) -> bool:
    """Tell whether a hook may have made a task although the trigger ended with this error."""
    if isinstance(error, InsufficientScopes):
        return error.reason.startswith(_OF_THE_ROLE)
    return not isinstance(error, AuthenticationFailed | NotFound)


def refuses_payload(error: TaskclusterError) -> bool:
    """Tell whether the hook's schema refuses the payload: nothing was made, and no fire is on record."""
    reason = _reason_of_400(error)
    return reason is not None and not reason.startswith(_ON_RECORD)


def recorded_before(error: TaskclusterError) -> bool:
    """Tell whether an earlier fire with the same taskId is on record, so that this one cannot be."""
    reason = _reason_of_400(error)
    return reason is not None and reason.startswith(_ON_RECORD) and _RECORDED_TWICE in reason


def _reason_of_400(error: TaskclusterError) -> str | None:
    return error.reason if isinstance(error, ServiceError) and error.status == BAD_REQUEST else None

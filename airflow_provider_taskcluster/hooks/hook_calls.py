"""The calls of the hook that trigger Taskcluster's hooks and list their fires, written once, as coroutines."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.common import names
from airflow_provider_taskcluster.common.counts import whole_number
from airflow_provider_taskcluster.common.timestamps import utc_datetime
from airflow_provider_taskcluster.exceptions import InvalidInput, NotFound
from airflow_provider_taskcluster.services.hooks import Hooks
from airflow_provider_taskcluster.services.task_definitions import check_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_taskcluster.services.client import Client
    from airflow_provider_taskcluster.services.schemas import HookFire

log = logging.getLogger(__name__)


class HookCalls:
    """Calls of the hooks service through one client."""

    client: Client

    async def trigger_hook(
        self,
        hook_group_id: str,
        hook_id: str,
        payload: Mapping[str, Any] | None = None,
        *,
        task_id: str | None = None,
    ) -> str | None:
        """Trigger a hook, and return the id of the task that it makes; None if its template renders to nothing.

        ::

            task_id = hook.trigger_hook("my-team", "nightly", {"branch": "main"}, task_id=taskcluster.slugId())

        The request is sent once, and is not repeated after an error: each trigger makes a task. With ``task_id``, which
        the schema of the hook must let through, the queue is asked after an error whether the task was made all the
        same; then its id is returned. If the error is raised, there is no such task, or the queue could not be asked:
        another call with the same id makes no second task.

        Scope ``hooks:trigger-hook:<hookGroupId>/<hookId>``; with ``task_id`` also ``queue:status:<taskId>``.

        :param payload: What the schema of the hook describes; ``{}`` by default.
        :param task_id: Id of the task, a v4 slugid that the caller chooses; it becomes ``taskId`` of the payload.
            Services before 97.1.0 ignore it: the id that they chose is returned, and the log says so.
        :raises InvalidInput: The service cannot carry the payload, or it has another ``taskId``. Nothing was sent.
        :raises ServiceError: The schema refuses the payload, the template cannot be rendered, or the queue refuses the
            task (400).
        :raises InsufficientScopes: The client may not trigger the hook, or the hook's role may not make the task; the
            message says which.
        :raises NotFound: There is no such hook.
        """
        sent = {} if payload is None else payload
        check_json(sent, "payload")
        if task_id is not None:
            if sent.get("taskId", task_id) != task_id:
                raise InvalidInput("The payload has another taskId than task_id: leave one of them out")
            sent = {**sent, "taskId": names.task_id(task_id)}
        group, name = names.hook_group_id(hook_group_id), names.hook_id(hook_id)
        made = await Hooks(self.client).trigger(group, name, sent, task_id)
        if made is not None and task_id not in (None, made):
            log.warning(
                "Hook %r made task %r, and ignored the id %r in its payload, as services before 97.1.0 do",
                f"{group}/{name}",
                made,
                task_id,
            )
        return made

    async def hook_last_fires(
        self, hook_group_id: str, hook_id: str, *, limit: int | None = 100, since: datetime | None = None
    ) -> list[HookFire]:
        """Return the latest fires of a hook, newest first: none if there is no such hook, or if it never fired.

        They do not say who triggered it. A trigger whose template rendered to nothing is no fire.

        Scope ``hooks:list-last-fires:<hookGroupId>/<hookId>``.

        :param limit: How many at most; None for all.
        :param since: Only fires since then.
        """
        most = None if limit is None else whole_number(limit, "limit", least=1)
        earliest = None if since is None else utc_datetime(since, "since")
        fires: list[HookFire] = []
        try:
            async for page in Hooks(self.client).fires(names.hook_group_id(hook_group_id), names.hook_id(hook_id)):
                fires += [fire for fire in page if earliest is None or _time(fire) >= earliest]
                older = earliest is not None and page and _time(page[-1]) < earliest
                if older or (most is not None and len(fires) >= most):
                    break
        except NotFound:
            return []
        return fires[:most]


def _time(fire: HookFire) -> datetime:
    return datetime.fromisoformat(fire["taskCreateTime"])

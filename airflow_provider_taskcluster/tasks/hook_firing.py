"""Triggers a hook so that a retry finds its task: by its id, or by a token that the hook's template copies into it."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_taskcluster.common.messages import visible
from airflow_provider_taskcluster.exceptions import ConnectionFailed, NotFound, ServiceError
from airflow_provider_taskcluster.services.hooks import may_have_fired, recorded_before, refuses_payload
from airflow_provider_taskcluster.tasks.starting import TaskQueue, UnusableId, find_by_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from airflow_provider_taskcluster.services.schemas import HookFire, Json, TaskStatus

log = logging.getLogger(__name__)

# How far the clocks of this worker and of the service may differ: signatures fail beyond that.
CLOCKS_DIFFER = timedelta(minutes=15)


class HookService(TaskQueue, Protocol):
    """The calls that a firing needs; the hook of Airflow has them."""

    def task_definition(self, task_id: str) -> Json:
        """Return the definition of a task."""

    def trigger_hook(
        self, hook_group_id: str, hook_id: str, payload: Mapping[str, Any], *, task_id: str | None = None
    ) -> str | None:
        """Trigger a hook, and return the id of its task."""

    def hook_last_fires(
        self, hook_group_id: str, hook_id: str, *, limit: int | None, since: datetime
    ) -> list[HookFire]:
        """Return the fires of a hook, newest first."""


@dataclass(frozen=True)
class HookFiring:
    """The hook that an Airflow task triggers, and the ways to find the task that it made.

    Each attempt has an id: the task gets it, where the schema of the hook lets ``taskId`` through; and it is the token
    in ``token_field``.

    :param service: The hook of Airflow.
    :param payload: The payload, without id and token.
    :param token_field: Field of the payload that the template copies into the task; None if there is none.
    :param since: Start of the DAG run: older fires are not looked at.
    :param on_task: Called with the id of the task once it is known; with None while it is not.
    """

    service: HookService
    hook_group_id: str
    hook_id: str
    payload: Mapping[str, Any]
    token_field: str | None
    since: datetime
    on_task: Callable[[str | None], None]
    _definitions: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Group and id of the hook, for messages."""
        return f"{self.hook_group_id}/{self.hook_id}"

    def find(self, attempt_id: str) -> TaskStatus | None:
        """Return the status of the task of an attempt; None if there is none."""
        return find_by_id(self.service, attempt_id) or self._find_by_token(attempt_id)

    def create(self, attempt_id: str) -> TaskStatus | None:
        """Trigger the hook; None if its template renders to nothing.

        :raises UnusableId: An earlier fire with this id is on record, and made no task.
        """
        try:
            made = self.service.trigger_hook(
                self.hook_group_id, self.hook_id, self._payload(attempt_id), task_id=attempt_id
            )
        except (ServiceError, ConnectionFailed) as error:
            if isinstance(error, ServiceError) and recorded_before(error):
                log.warning("An earlier trigger of hook %r made no task: triggering it with another id", self.name)
                raise UnusableId(error) from None
            if refuses_payload(error):
                return self._create_without_id(attempt_id)
            return self._find_after(error, attempt_id)
        if made not in (None, attempt_id) and self.token_field is None:
            self._warn_of_retries()
        return self._made(made)

    def _create_without_id(self, attempt_id: str) -> TaskStatus | None:
        """Trigger the hook without an id, after its schema has refused the payload with one: nothing was made."""
        self.on_task(None)
        if self.token_field is None:
            self._warn_of_retries()
        try:
            return self._made(self.service.trigger_hook(self.hook_group_id, self.hook_id, self._payload(attempt_id)))
        except (ServiceError, ConnectionFailed) as error:
            return self._find_after(error, attempt_id)

    def _find_after(self, error: ServiceError | ConnectionFailed, attempt_id: str) -> TaskStatus:
        """Return the task that the hook made all the same, found by its token; raise the error if there is none."""
        found = self._find_by_token(attempt_id) if may_have_fired(error) else None
        if found is None:
            raise error
        log.warning("Hook %r made task %r although the trigger failed: %s", self.name, found["taskId"], visible(error))
        self.on_task(found["taskId"])
        return found

    def _made(self, task_id: str | None) -> TaskStatus | None:
        self.on_task(task_id)
        if task_id is None:
            return None
        log.info("Hook %r made task %r", self.name, task_id)
        return self.service.task_status(task_id)

    def _payload(self, attempt_id: str) -> dict[str, Any]:
        return {**self.payload, **({} if self.token_field is None else {self.token_field: attempt_id})}

    def _find_by_token(self, token: str) -> TaskStatus | None:
        if self.token_field is None:
            return None
        since = self.since - CLOCKS_DIFFER
        for fire in self.service.hook_last_fires(self.hook_group_id, self.hook_id, limit=None, since=since):
            if token in self._definition(fire["taskId"]):
                return find_by_id(self.service, fire["taskId"])
        return None

    def _definition(self, task_id: str) -> str:
        """Return the definition of a task as text; "" if there is none, as of a fire that failed."""
        if task_id not in self._definitions:
            try:
                self._definitions[task_id] = json.dumps(self.service.task_definition(task_id))
            except NotFound:
                return ""
        return self._definitions[task_id]

    def _warn_of_retries(self) -> None:
        log.warning(
            "Hook %r does not take the id of its task, so a retry triggers the hook again: let its schema take taskId, "
            "or name a token_field",
            self.name,
        )

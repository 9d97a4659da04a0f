"""Triggers for asset watchers (Airflow 3): what happens in Taskcluster starts DAGs.

    AssetWatcher(name="builds", trigger=TaskclusterIndexEventTrigger(index_path="my-team.builds.latest"))

Each new thing causes one event: Airflow's asset state store (3.3) keeps the last one through restarts of the triggerer.
It is written one look after the event, so that a triggerer that dies in between repeats an event, and never loses one.
Without that store, or when one watch serves several assets, which share no store, each start of the triggerer repeats
the last event.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from abc import abstractmethod
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.triggers import BaseEventTrigger
from airflow.triggers.base import TriggerEvent

from airflow_provider_taskcluster.common import names
from airflow_provider_taskcluster.common.messages import exception_summary, visible
from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.hooks.asynchronous import shared_waits
from airflow_provider_taskcluster.waits.conditions.index import IndexWait
from airflow_provider_taskcluster.waits.conditions.objects import ObjectWait
from airflow_provider_taskcluster.waits.protocol import Found
from airflow_provider_taskcluster.waits.serialization import serialize_wait

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from airflow_provider_taskcluster.waits.poller import Poller
    from airflow_provider_taskcluster.waits.protocol import Json

log = logging.getLogger(__name__)

LONGEST_INTERVAL = timedelta.max.total_seconds()  # as of sensors


class TaskclusterEventTrigger(BaseEventTrigger):
    """Base of the triggers that emit an event for each new thing, for ever. All waits on a connection share its looks.

    :param taskcluster_conn_id: Id of the connection.
    :param interval: Seconds between two looks.
    :raises InvalidInput: The interval is not a number above 0.
    """

    def __init__(self, *, taskcluster_conn_id: str = "taskcluster_default", interval: float = 60) -> None:
        is_number = isinstance(interval, int | float) and not isinstance(interval, bool)
        if not is_number or not 0 < interval <= LONGEST_INTERVAL:
            raise InvalidInput(f"interval must be a number of seconds above 0, not {interval!r}")
        super().__init__()  # type: ignore[no-untyped-call]  # (Airflow gives it no types)
        self.taskcluster_conn_id = taskcluster_conn_id
        self.interval = interval

    def _serialized(self, **watched: str) -> tuple[str, dict[str, Any]]:
        options = {"taskcluster_conn_id": self.taskcluster_conn_id, "interval": self.interval}
        return f"{type(self).__module__}.{type(self).__qualname__}", {**watched, **options}

    @property
    @abstractmethod
    def wait(self) -> IndexWait | ObjectWait:
        """The wait that is watched."""

    @abstractmethod
    def identity(self, result: Json) -> list[str]:
        """Return what distinguishes a result from the one before."""

    @abstractmethod
    def payload(self, result: Json) -> Json:
        """Return the payload of the asset event for a result."""

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look, and emit an event for each new result."""
        saved = last_emitted = await self._load_last()
        async with shared_waits(self.taskcluster_conn_id) as poller:
            while True:
                result = await self._next_result(poller)
                if last_emitted != saved:
                    saved = await self._save_last(last_emitted)
                if (new := self.identity(result)) != last_emitted:
                    yield TriggerEvent(self.payload(result))  # type: ignore[no-untyped-call]  # (as above)
                    last_emitted = new

    async def _next_result(self, poller: Poller) -> Json:
        """Wait for a result. No error ends the watch, since its cause may be corrected."""
        while True:
            try:
                verdict = await poller.verdict_of(self.wait, self.interval)
            except Exception as error:  # noqa: BLE001 (no error ends the watch)
                log.error("Watch broke down; next try in %.1f s: %s", self.interval, exception_summary(error))
                await asyncio.sleep(self.interval)
                continue
            if isinstance(verdict, Found):
                return verdict.result
            log.error("Watch failed; retrying: %s", visible(verdict.error))

    async def _load_last(self) -> list[str] | None:
        """Return the identity of the last event, also if another process emitted it."""
        while (store := self._store) is not None:
            try:
                last_emitted: list[str] | None = await store.aget(self._key)
            except ValueError:  # several assets share this watch, and no store
                return None
            except Exception as error:  # noqa: BLE001 (of Airflow's API; going on without it would repeat an event)
                log.error("Last event unreadable; next try in %.1f s: %s", self.interval, exception_summary(error))
                await asyncio.sleep(self.interval)
            else:
                return last_emitted
        return None

    async def _save_last(self, last_emitted: list[str] | None) -> list[str] | None:
        """Save the identity of the last event; return what is saved now."""
        try:
            if self._store is not None:
                await self._store.aset(self._key, last_emitted)
        except ValueError:  # as above
            pass
        except Exception as error:  # noqa: BLE001 (as above)
            log.error("Last event not saved; next try in %.1f s: %s", self.interval, exception_summary(error))
            return None
        return last_emitted

    @property
    def _store(self) -> Any:
        return getattr(self, "asset_state_store", None)  # Airflow 3.3 sets it

    @property
    def _key(self) -> str:
        watched = json.dumps([self.taskcluster_conn_id, serialize_wait(self.wait)], sort_keys=True)
        return f"taskcluster-{hashlib.sha256(watched.encode()).hexdigest()[:32]}"


class TaskclusterIndexEventTrigger(TaskclusterEventTrigger):
    """Emits an event for each new task at an index path: ``index_path``, ``task_id``, ``rank``, ``expires``, ``data``.

    The task that is there when the watch begins counts as new. If several tasks follow each other between two looks,
    only the last one causes an event. Scope ``index:find-task:<indexPath>``.

    :param index_path: The path, as in the task's route after ``index.``.
    :raises InvalidInput: The index does not accept the path.
    """

    def __init__(self, *, index_path: str, **options: Any) -> None:
        super().__init__(**options)
        self.index_path = names.index_path(index_path)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return all that another triggerer needs to go on."""
        return self._serialized(index_path=self.index_path)

    @property
    def wait(self) -> IndexWait:
        """The wait for the index path."""
        return IndexWait(index_path=self.index_path)

    def identity(self, result: Json) -> list[str]:
        """Return the task ID."""
        return [result["task_id"]]

    def payload(self, result: Json) -> Json:
        """Return the entry of the index."""
        return result


class TaskclusterObjectEventTrigger(TaskclusterEventTrigger):
    """Emits an event when an object is finished: ``name``, ``project_id``, ``expires`` and ``hashes``.

    Objects do not change: there is one event, and another when the name is used again after the object's expiry. Scope
    ``object:download:<name>``.

    :param name: The name of the object.
    :raises InvalidName: The object service or its store cannot carry the name.
    """

    def __init__(self, *, name: str, **options: Any) -> None:
        super().__init__(**options)
        self.name = names.object_name(name)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return all that another triggerer needs to go on."""
        return self._serialized(name=self.name)

    @property
    def wait(self) -> ObjectWait:
        """The wait for the object."""
        return ObjectWait(names=[self.name])

    def identity(self, result: Json) -> list[str]:
        """Return its expiry and hashes."""
        (metadata,) = result["objects"]
        return [metadata["expires"], *sorted(metadata["hashes"].values())]

    def payload(self, result: Json) -> Json:
        """Return the metadata of the object."""
        metadata: Json = result["objects"][0]
        return metadata

"""Triggers for asset watchers (Airflow 3): what happens in Taskcluster starts DAGs.

    AssetWatcher(name="builds", trigger=TaskclusterIndexEventTrigger(index_path="my-team.builds.latest"))

A watcher is told of everything new, once: what was told last is kept in Airflow's asset state store (3.3), through
restarts of the triggerer. It is written one look after the event, so that a triggerer that dies in between tells the
same twice, and never nothing. Where there is no such store, or one watch serves several assets, which have none in
common, each start of the triggerer tells once more what is there.
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
    """Tells what is new, for ever. Its looks are shared with all other waits on the connection.

    :param taskcluster_conn_id: Id of the connection.
    :param interval: Seconds between two looks.
    :raises InvalidInput: It is no such number.
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
        """What is looked for."""

    @abstractmethod
    def identity(self, found: Json) -> list[str]:
        """By which a thing found is told from the one before."""

    @abstractmethod
    def payload(self, found: Json) -> Json:
        """What the asset event says of it."""

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look, and tell what is new."""
        kept = told = await self._recall()
        async with shared_waits(self.taskcluster_conn_id) as poller:
            while True:
                found = await self._found(poller)
                if told != kept:
                    kept = await self._keep(told)
                if (new := self.identity(found)) != told:
                    yield TriggerEvent(self.payload(found))  # type: ignore[no-untyped-call]  # (as above)
                    told = new

    async def _found(self, poller: Poller) -> Json:
        """Wait until it is there. Nothing ends the watch: what hides it may be put right."""
        while True:
            try:
                verdict = await poller.verdict_of(self.wait, self.interval)
            except Exception as error:  # noqa: BLE001 (as above)
                log.error("A watch broke down; it goes on in %.1f s: %s", self.interval, exception_summary(error))
                await asyncio.sleep(self.interval)
                continue
            if isinstance(verdict, Found):
                return verdict.result
            log.error("A watch sees nothing, and goes on: %s", visible(verdict.error))

    async def _recall(self) -> list[str] | None:
        """What was told last, by this trigger in another process."""
        while (store := self._store) is not None:
            try:
                told: list[str] | None = await store.aget(self._key)
            except ValueError:  # several assets share this watch, and have no store in common
                return None
            except Exception as error:  # noqa: BLE001 (of Airflow's API: without an answer, old things would be told as new)
                log.error(
                    "What was told last could not be read; next try in %.1f s: %s",
                    self.interval,
                    exception_summary(error),
                )
                await asyncio.sleep(self.interval)
            else:
                return told
        return None

    async def _keep(self, told: list[str] | None) -> list[str] | None:
        """Write down what was told last, and return what is written down now."""
        try:
            if self._store is not None:
                await self._store.aset(self._key, told)
        except ValueError:  # as above
            pass
        except Exception as error:  # noqa: BLE001 (as above)
            log.error(
                "What was told last could not be written down; next try in %.1f s: %s",
                self.interval,
                exception_summary(error),
            )
            return None
        return told

    @property
    def _store(self) -> Any:
        return getattr(self, "asset_state_store", None)  # Airflow 3.3 sets it

    @property
    def _key(self) -> str:
        watched = json.dumps([self.taskcluster_conn_id, serialize_wait(self.wait)], sort_keys=True)
        return f"taskcluster-{hashlib.sha256(watched.encode()).hexdigest()[:32]}"


class TaskclusterIndexEventTrigger(TaskclusterEventTrigger):
    """A task at an index path completed: tells ``index_path``, ``task_id``, ``rank``, ``expires`` and ``data``.

    Each task is told once, the one that is there when the watch begins too. Of tasks that come and go between two
    looks, the last is told. Scope ``index:find-task:<indexPath>``.

    :param index_path: The path, as in the task's route after ``index.``.
    :raises InvalidInput: The index takes no such path.
    """

    def __init__(self, *, index_path: str, **options: Any) -> None:
        super().__init__(**options)
        self.index_path = names.index_path(index_path)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return all that another triggerer needs to go on."""
        return self._serialized(index_path=self.index_path)

    @property
    def wait(self) -> IndexWait:
        """What is looked for."""
        return IndexWait(index_path=self.index_path)

    def identity(self, found: Json) -> list[str]:
        """The task."""
        return [found["task_id"]]

    def payload(self, found: Json) -> Json:
        """The entry of the index."""
        return found


class TaskclusterObjectEventTrigger(TaskclusterEventTrigger):
    """An object is finished: tells ``name``, ``project_id``, ``expires`` and ``hashes``.

    Objects do not change, so this is told once, and again when the name is used anew after the object's expiry. Scope
    ``object:download:<name>``.

    :param name: The name of the object.
    :raises InvalidName: The object service or its store would not carry it.
    """

    def __init__(self, *, name: str, **options: Any) -> None:
        super().__init__(**options)
        self.name = names.object_name(name)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return all that another triggerer needs to go on."""
        return self._serialized(name=self.name)

    @property
    def wait(self) -> ObjectWait:
        """What is looked for."""
        return ObjectWait(names=[self.name])

    def identity(self, found: Json) -> list[str]:
        """When it expires, and its content."""
        (about,) = found["objects"]
        return [about["expires"], *sorted(about["hashes"].values())]

    def payload(self, found: Json) -> Json:
        """The object's metadata."""
        about: Json = found["objects"][0]
        return about

"""The trigger of all waits."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_taskcluster.exceptions import TaskclusterError
from airflow_provider_taskcluster.hooks.asynchronous import shared_waits
from airflow_provider_taskcluster.texts import crash
from airflow_provider_taskcluster.waits.descriptions import wait_from
from airflow_provider_taskcluster.waits.talk import Found

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from airflow_provider_taskcluster.waits.talk import Json

log = logging.getLogger(__name__)


class TaskclusterWaitTrigger(BaseTrigger):
    """Waits until something is there, can no longer come, or the time is up.

    The one event is a dict: ``outcome`` is ``found``, ``over``, ``timeout`` or ``failed``; ``deadline`` is that of the
    trigger; ``message`` says what happened, ``transient`` whether another try of the task may help.

    :param wait: What is waited for (``waits.descriptions``).
    :param taskcluster_conn_id: Id of the connection.
    :param interval: Seconds between two looks, and before the first one: the worker has just looked.
    :param deadline: When the time is up, in seconds since 1970; None for never.
    :param connect_timeout: Seconds to wait for a connection; None takes the connection's.
    :param read_timeout: Seconds of silence that end a request; None takes the connection's.
    """

    def __init__(
        self,
        *,
        wait: Json,
        taskcluster_conn_id: str,
        interval: float,
        deadline: float | None = None,
        connect_timeout: float | None = None,
        read_timeout: float | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # (Airflow gives it no types)
        self.wait = wait
        self.taskcluster_conn_id = taskcluster_conn_id
        self.interval = interval
        self.deadline = deadline
        self.connect_timeout = connect_timeout
        self.read_timeout = read_timeout

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return all that another triggerer needs to go on."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "wait": self.wait,
                "taskcluster_conn_id": self.taskcluster_conn_id,
                "interval": self.interval,
                "deadline": self.deadline,
                "connect_timeout": self.connect_timeout,
                "read_timeout": self.read_timeout,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, with all others on this connection, and say how it ended."""
        event = {"deadline": self.deadline, **await self._outcome()}
        yield TriggerEvent(event)  # type: ignore[no-untyped-call]  # (as above)

    async def _outcome(self) -> Json:
        try:
            async with asyncio.timeout(None if self.deadline is None else max(0.0, self.deadline - time.time())):
                return await self._verdict()
        except TimeoutError:
            return {"outcome": "timeout", "message": "", "transient": False}
        except TaskclusterError as error:
            return {"outcome": "failed", "message": str(error), "transient": error.transient}
        except Exception as error:  # noqa: BLE001 (a trigger that raises would loop for ever in 2.11's dag.test())
            log.error("The wait broke down: %s", crash(error))
            return {"outcome": "failed", "message": crash(error), "transient": True}

    async def _verdict(self) -> Json:
        waits = shared_waits(
            self.taskcluster_conn_id, connect_timeout=self.connect_timeout, read_timeout=self.read_timeout
        )
        async with waits as poller:
            verdict = await poller.verdict_of(wait_from(self.wait), self.interval)
        if isinstance(verdict, Found):
            return {"outcome": "found", "message": "", "transient": False}
        return {"outcome": "over", "message": str(verdict.error), "transient": verdict.error.transient}

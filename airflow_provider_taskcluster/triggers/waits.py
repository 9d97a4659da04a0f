"""The trigger of all deferred sensors."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_taskcluster.common.messages import exception_summary
from airflow_provider_taskcluster.exceptions import TaskclusterError
from airflow_provider_taskcluster.hooks.asynchronous import shared_waits
from airflow_provider_taskcluster.waits.backoff import Backoff
from airflow_provider_taskcluster.waits.protocol import Found, did_not_come
from airflow_provider_taskcluster.waits.serialization import deserialize_wait
from airflow_provider_taskcluster.waits.wait_log import WaitLog

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from airflow_provider_taskcluster.waits.protocol import Json

log = logging.getLogger(__name__)


class TaskclusterWaitTrigger(BaseTrigger):
    """Runs a wait until it is met, can no longer be, or the time is up.

    It emits one event, a dict: ``outcome`` is ``found``, ``over``, ``timeout`` or ``failed``; ``deadline`` is that of
    the trigger; ``message`` is the error or the result of the last look; ``transient`` tells whether another try of the
    task may help, ``misconfigured`` whether a correction is needed.

    :param wait: The serialized wait (``waits.serialization``).
    :param taskcluster_conn_id: Id of the connection.
    :param interval: Seconds between two looks, and before the first one: the worker has just looked.
    :param deadline: When the time is up, in seconds since 1970; None for never.
    :param connect_timeout: Seconds to wait for a connection; None takes the connection's.
    :param read_timeout: Seconds of silence that end a request; None takes the connection's.
    :param backoff: ``started`` and ``max_wait`` of a ``Backoff``, if intervals get longer.
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
        backoff: Json | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # (Airflow gives it no types)
        self.wait = wait
        self.taskcluster_conn_id = taskcluster_conn_id
        self.interval = interval
        self.deadline = deadline
        self.connect_timeout = connect_timeout
        self.read_timeout = read_timeout
        self.backoff = backoff

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
                **({} if self.backoff is None else {"backoff": self.backoff}),
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Run the wait, together with all others on this connection, and emit how it ended."""
        event = {"deadline": self.deadline, **await self._outcome()}
        yield TriggerEvent(event)  # type: ignore[no-untyped-call]  # (as above)

    async def _outcome(self) -> Json:
        wait_log = WaitLog()
        left = None if self.deadline is None else max(0.0, self.deadline - time.time())
        try:
            with wait_log.reporting():
                async with asyncio.timeout(left):
                    return await self._verdict(wait_log)
        except TimeoutError:
            return {"outcome": "timeout", "message": wait_log.last_look, "transient": False}
        except TaskclusterError as error:
            return _ended("failed", error)
        except Exception as error:  # noqa: BLE001 (a trigger that raises would loop for ever in 2.11's dag.test())
            log.error("The wait broke down: %s", exception_summary(error))
            return {"outcome": "failed", "message": exception_summary(error), "transient": True}

    async def _verdict(self, wait_log: WaitLog) -> Json:
        waits = shared_waits(
            self.taskcluster_conn_id, connect_timeout=self.connect_timeout, read_timeout=self.read_timeout
        )
        async with waits as poller:
            backoff = None if self.backoff is None else Backoff(**self.backoff)
            wait = deserialize_wait(self.wait)
            verdict = await poller.verdict_of(wait, self.interval, backoff=backoff, log=wait_log)
        if isinstance(verdict, Found):
            return {"outcome": "found", "message": "", "transient": False}
        return _ended("over", verdict.error)


def _ended(outcome: str, error: TaskclusterError) -> Json:
    misconfigured = not error.transient and not did_not_come(error)
    return {
        "outcome": outcome,
        "message": str(error),
        "transient": error.transient,
        "misconfigured": misconfigured,
    }

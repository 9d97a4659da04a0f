"""Worker that runs the commands of tasks as processes of this user; see :class:`CommandWorker`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

from .claiming import Claim, Claiming, RunLostError, ServiceError, open_session
from .ends import LOST, SHUTDOWN
from .execution import Execution
from .settings import WorkerSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)

# The real worker reclaims so long before the claim ends.
BEFORE_END_SECONDS = 180.0
SHORTEST_RECLAIM_SECONDS = 0.1
# Between two claims that are answered at once without a task, and after one that fails.
IDLE_SECONDS = 0.1
FAILURE_SECONDS = 1.0


class CommandWorker:
    """Claims the tasks of a queue and runs them, from ``with CommandWorker(...):`` until the end of the block.

    It takes the payloads of generic-worker on POSIX: ``command``, ``env``, ``maxRunTime``, ``artifacts``,
    ``onExitStatus`` and ``logs``; features are ignored. **It runs whatever a task tells it to, as this user**: give
    it only tasks of your own. At the end of the block the runs on their way end as "worker-shutdown", after which
    the queue starts them again.

    :param credentials: Credentials with the scopes ``queue:claim-work:<task_queue_id>`` and
        ``queue:worker-id:<worker_group>/<worker_id>``.
    """

    def __init__(
        self,
        root_url: str,
        credentials: Mapping[str, str],
        *,
        task_queue_id: str,
        settings: WorkerSettings | None = None,
    ) -> None:
        self.task_queue_id = task_queue_id
        self._root_url = root_url
        self._credentials = dict(credentials)
        self._settings = settings or WorkerSettings()
        self._stop = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"command-worker {task_queue_id}", daemon=True)

    def __enter__(self) -> Self:
        """Start to claim tasks."""
        log.warning(
            "A worker runs the tasks of %s: it does whatever a task tells it to, as this user", self.task_queue_id
        )
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        """Abort the tasks that run, and stop; no process, thread or file is left when this returns."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended by itself
                self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._work())
        except Exception:
            log.exception("The worker of %s has ended", self.task_queue_id)
        finally:
            self._ready.set()

    async def _work(self) -> None:
        """Claim and run tasks until the end, as many at once as the capacity says."""
        self._loop = asyncio.get_running_loop()
        self._ready.set()
        capacity = self._settings.capacity
        with ThreadPoolExecutor(capacity, "command-worker") as pool:
            async with open_session() as session, asyncio.TaskGroup() as group:
                claiming = Claiming(self._root_url, self._credentials, self.task_queue_id, session)
                for _ in range(capacity):
                    group.create_task(self._serve(claiming, pool))

    async def _serve(self, claiming: Claiming, pool: ThreadPoolExecutor) -> None:
        """Claim and run one task after another."""
        while not self._stop.is_set():
            claim = await self._next(claiming)
            if claim is not None:
                await self._perform(claim, claiming, pool)

    async def _next(self, claiming: Claiming) -> Claim | None:
        """Claim a run; None if there is none, the queue refuses it, or the worker stops."""
        settings, start = self._settings, time.monotonic()
        call = asyncio.ensure_future(
            claiming.claim(worker_group=settings.worker_group, worker_id=settings.worker_id, tasks=1)
        )
        stopping = asyncio.ensure_future(self._stop.wait())
        await asyncio.wait({call, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not call.done():
            call.cancel()  # closes the connection, so that the queue gives no run away
            await asyncio.wait({call})
            return None
        try:
            claims = call.result()
        except ServiceError as error:
            log.warning("No work was claimed of %s: %s", self.task_queue_id, error)
            await self._pause(FAILURE_SECONDS)
            return None
        if not claims:
            await self._pause(start + IDLE_SECONDS - time.monotonic())
        return claims[0] if claims else None

    async def _perform(self, claim: Claim, claiming: Claiming, pool: ThreadPoolExecutor) -> None:
        execution = Execution(claim, self._settings)
        beside = [
            asyncio.ensure_future(self._keep(execution, claiming)),
            asyncio.ensure_future(self._abort_when_stopped(execution)),
        ]
        try:
            await asyncio.get_running_loop().run_in_executor(pool, execution.perform)
        except ServiceError as error:
            log.warning("Run %s of task %s was not resolved: %s", claim.run.run_id, claim.run.task_id, error)
        finally:
            for task in beside:
                task.cancel()
            await asyncio.wait(beside)

    async def _keep(self, execution: Execution, claiming: Claiming) -> None:
        """Reclaim a run again and again; abort it once it is no longer this worker's."""
        claimed = execution.claim.seconds
        usual = max(claimed - BEFORE_END_SECONDS, claimed / 2)
        seconds = max(SHORTEST_RECLAIM_SECONDS, self._settings.reclaim_seconds or usual)
        while True:
            await asyncio.sleep(seconds)
            try:
                execution.run = await claiming.reclaim(execution.run)
            except RunLostError:
                execution.abort(LOST)
                return
            except ServiceError as error:
                log.warning("Task %s was not reclaimed: %s", execution.run.task_id, error)

    async def _abort_when_stopped(self, execution: Execution) -> None:
        await self._stop.wait()
        execution.abort(SHUTDOWN)

    async def _pause(self, seconds: float) -> None:
        """Wait, but not longer than the worker runs."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), max(0, seconds))

"""``TaskclusterAsyncHook``: the hook for coroutines, in triggers and in ``async def`` tasks.

JSON calls and waits are coroutines in the running loop. Transfers run in threads, by ``TaskclusterHook``.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar

from airflow.providers.common.compat.connection import get_async_connection
from airflow.providers.common.compat.sdk import AirflowNotFoundException, mask_secret

from airflow_provider_taskcluster.common.messages import one_line
from airflow_provider_taskcluster.common.redaction import texts_in
from airflow_provider_taskcluster.connection.fields import DEFAULT_CONN_ID
from airflow_provider_taskcluster.exceptions import WaitFailed
from airflow_provider_taskcluster.hooks.base import new_client, twin_of, use_connection
from airflow_provider_taskcluster.hooks.json_calls import JsonCalls
from airflow_provider_taskcluster.hooks.synchronous import TaskclusterHook
from airflow_provider_taskcluster.services.async_transport import AsyncTransport

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
    from contextlib import AbstractAsyncContextManager

    from airflow_provider_taskcluster.connection.parsing import AirflowConnection
    from airflow_provider_taskcluster.services.client import Client
    from airflow_provider_taskcluster.waits.poller import Poller
    from airflow_provider_taskcluster.waits.protocol import Json, Wait

P = ParamSpec("P")
T = TypeVar("T")
# Modules that calls import on first use: an import would block the loop for too long.
_PRELOADED = ("taskcluster", "aiohttp")


def shared_waits(
    conn_id: str, *, connect_timeout: float | None = None, read_timeout: float | None = None
) -> AbstractAsyncContextManager[Poller]:
    """Return the poller that all waits on a connection share in the running loop.

    :param conn_id: Id of the connection, which is read before the first check.
    :param connect_timeout: Seconds to connect to a server; overrides the connection's.
    :param read_timeout: Seconds without data that end a request; overrides the connection's.
    """
    from airflow_provider_taskcluster.waits.poller import shared_poller

    async def client() -> Client:
        hook = await TaskclusterAsyncHook.open(
            conn_id, connect_timeout=connect_timeout, read_timeout=read_timeout, max_retries=0
        )
        return hook.client

    return shared_poller((conn_id, connect_timeout, read_timeout), client)


def _prepare(hook: TaskclusterHook, connection: AirflowConnection | None) -> None:
    use_connection(hook, connection)
    for module in _PRELOADED:
        importlib.import_module(module)


def in_thread(
    method: Callable[Concatenate[TaskclusterHook, P], T],
) -> Callable[Concatenate[TaskclusterAsyncHook, P], Coroutine[Any, Any, T]]:
    """Return a coroutine that runs a method of the synchronous hook in a thread; cancellation ends its transfer."""

    @functools.wraps(method)
    async def transfer(self: TaskclusterAsyncHook, /, *args: P.args, **kwargs: P.kwargs) -> T:
        hook = self.synchronous()
        try:
            return await asyncio.to_thread(_run_and_close, hook, functools.partial(method, hook, *args, **kwargs))
        except asyncio.CancelledError:
            hook.stop()
            raise

    return transfer


def _run_and_close(hook: TaskclusterHook, transfer: Callable[[], T]) -> T:
    try:
        return transfer()
    finally:
        hook.close()


class TaskclusterAsyncHook(JsonCalls):
    """Talks to a Taskcluster deployment from coroutines, without blocking the event loop.

    ::

        async with await TaskclusterAsyncHook.open("taskcluster_default") as hook:
            runs = await hook.task_runs(task_id)
            await hook.download_artifact(task_id, "public/build/target.zip", "/data/target.zip")

    Use it only in the event loop in which it was opened.
    """

    def __init__(self, hook: TaskclusterHook, options: Mapping[str, float | None]) -> None:
        settings = hook.settings
        transport = AsyncTransport(settings.root_url, settings.network)
        super().__init__(new_client(settings, hook.taskcluster_conn_id, transport))
        self._hook = hook
        self._options = options

    @classmethod
    async def open(
        cls,
        taskcluster_conn_id: str = DEFAULT_CONN_ID,
        *,
        connect_timeout: float | None = None,
        read_timeout: float | None = None,
        max_retries: int | None = None,
    ) -> Self:
        """Read the connection without blocking the loop, and return its hook. No request is made.

        :param taskcluster_conn_id: Id of the connection. If there is none, environment variables are used, as by the
            Taskcluster clients.
        :param connect_timeout: Seconds to connect to a server; overrides the connection's.
        :param read_timeout: Seconds without data that end a request; overrides the connection's.
        :param max_retries: Most retries of a request with a transient error; overrides the connection's.
        :raises ConfigurationError: The connection cannot work.
        :raises WaitFailed: Airflow could not read it; a later try may succeed.
        """
        try:
            connection = await get_async_connection(taskcluster_conn_id)
        except AirflowNotFoundException:
            connection = None
        except Exception as error:  # from a database or secrets backend, which may recover
            raise WaitFailed(
                f"Connection {taskcluster_conn_id!r} could not be read: {type(error).__name__}: {one_line(error)}; "
                f"see that the triggerer or worker can read it"
            ) from error
        options = {"connect_timeout": connect_timeout, "read_timeout": read_timeout}
        hook = TaskclusterHook(taskcluster_conn_id, max_retries=max_retries, **options)
        await asyncio.to_thread(_prepare, hook, connection)
        return cls(hook, options)

    async def __aenter__(self) -> Self:
        """Return the hook itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the HTTP connections."""
        await self.close()

    async def close(self) -> None:
        """Close the HTTP connections. The hook opens new ones when it is used again."""
        await self.client.close()

    def synchronous(self) -> TaskclusterHook:
        """Return a synchronous hook of the same connection, for threads: ``await asyncio.to_thread(work, hook)``.

        It has the settings of this hook, and HTTP connections of its own: close it.
        """
        return twin_of(self._hook)

    async def secret(self, name: str) -> Json:
        """Return a secret, as ``TaskclusterHook.secret`` does. Scope ``secrets:get:<name>``."""
        found = await self._secret(name)
        # In a thread: Airflow's masker in another process is told through this loop.
        await asyncio.to_thread(mask_secret, texts_in(found))
        return found

    async def wait_for(self, wait: Wait, *, interval: float = 60) -> Json:
        """Wait for a condition, and return the result of the wait. Waits on one connection share their requests.

        Limit it with ``asyncio.timeout``. The result of the last check is logged every few minutes.

        :param wait: A wait of ``airflow_provider_taskcluster.types``, such as ``TaskWait``.
        :param interval: Seconds between two checks.
        :raises TaskclusterError: The condition can no longer be met, or checks failed for good.
        """
        from airflow_provider_taskcluster.waits.protocol import NotYet, Over
        from airflow_provider_taskcluster.waits.wait_log import WaitLog

        verdict = await self.look(wait)
        if isinstance(verdict, NotYet):
            log = WaitLog(verdict.why)
            async with shared_waits(self._hook.taskcluster_conn_id, **self._options) as poller:
                with log.reporting():
                    verdict = await poller.verdict_of(wait, interval, log=log)
        if isinstance(verdict, Over):
            raise verdict.error
        return verdict.result

    async def task_log(self, task_id: str, run_id: int | None = None, **options: Any) -> AsyncGenerator[str, None]:
        """Yield the lines of a task's log, as ``TaskclusterHook.task_log`` does, which a thread iterates over.

        ::

            async with contextlib.aclosing(hook.task_log(task_id)) as lines:
                async for line in lines:
                    log.info("%s", line)

        ``aclosing`` ends the thread where the iteration is left before the end of the log.

        :param options: The other arguments of ``TaskclusterHook.task_log``. ``on_status`` is called in the thread.
        """
        hook = self.synchronous()
        lines = hook.task_log(task_id, run_id, **options)
        line: asyncio.Future[str | None] | None = None
        try:
            while True:
                line = asyncio.ensure_future(asyncio.to_thread(next, lines, None))
                text = await asyncio.shield(line)  # a cancelled thread would go on unseen
                if text is None:
                    return
                yield text
        finally:
            hook.stop()
            if line is not None:
                await asyncio.wait([line])
                if not line.cancelled():
                    line.exception()  # it was raised above, or is that of stop()
            await asyncio.to_thread(_run_and_close, hook, lines.close)

    download_object = in_thread(TaskclusterHook.download_object)
    read_object = in_thread(TaskclusterHook.read_object)
    object_size = in_thread(TaskclusterHook.object_size)
    object_modified = in_thread(TaskclusterHook.object_modified)
    upload_object = in_thread(TaskclusterHook.upload_object)
    download_artifact = in_thread(TaskclusterHook.download_artifact)
    read_artifact = in_thread(TaskclusterHook.read_artifact)
    artifact_modified = in_thread(TaskclusterHook.artifact_modified)
    upload_artifact = in_thread(TaskclusterHook.upload_artifact)
    create_reference_artifact = in_thread(TaskclusterHook.create_reference_artifact)
    create_link_artifact = in_thread(TaskclusterHook.create_link_artifact)
    create_error_artifact = in_thread(TaskclusterHook.create_error_artifact)
    upload_folder = in_thread(TaskclusterHook.upload_folder)
    extract_archive = in_thread(TaskclusterHook.extract_archive)

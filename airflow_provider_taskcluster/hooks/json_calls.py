"""The hook's JSON calls, written once, as coroutines; the synchronous hook blocks on them."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, TypeVar

from airflow_provider_taskcluster.common import names
from airflow_provider_taskcluster.common.timestamps import utc_datetime
from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.hooks.group_calls import GroupCalls
from airflow_provider_taskcluster.hooks.hook_calls import HookCalls
from airflow_provider_taskcluster.hooks.notify_calls import NotifyCalls
from airflow_provider_taskcluster.hooks.task_calls import TaskCalls
from airflow_provider_taskcluster.services import upstream
from airflow_provider_taskcluster.services.artifacts import Artifacts
from airflow_provider_taskcluster.services.objects import Objects
from airflow_provider_taskcluster.services.purge_cache import PurgeCache
from airflow_provider_taskcluster.services.runner import run
from airflow_provider_taskcluster.services.schemas import ALIVE
from airflow_provider_taskcluster.services.secrets import Secrets
from airflow_provider_taskcluster.services.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from datetime import datetime

    from airflow_provider_taskcluster.hooks.base import TaskclusterBaseHook
    from airflow_provider_taskcluster.services.client import Client
    from airflow_provider_taskcluster.services.schemas import (
        ArtifactInfo,
        Json,
        ObjectMetadata,
        PurgeRequest,
        PurgeRequestPage,
        TaskRun,
    )
    from airflow_provider_taskcluster.waits.protocol import Verdict, Wait

P = ParamSpec("P")
T = TypeVar("T")
Service = Literal["object", "queue", "purge-cache", "auth"]
SERVICES: tuple[Service, ...] = ("object", "queue", "purge-cache", "auth")


class JsonCalls(TaskCalls, GroupCalls, HookCalls, NotifyCalls):
    """JSON calls through one client, in the caller's event loop.

    :param client: An existing client: a coroutine that reads the connection to make one may block the loop that has to
        deliver it.
    """

    def __init__(self, client: Client) -> None:
        self.client = client

    async def call(
        self,
        service: str,
        method: str,
        *args: str | int,
        payload: Mapping[str, Any] | None = None,
        query: Mapping[str, str | int] | None = None,
    ) -> Any:
        """Call a method of a service, with this hook's credentials, time-outs, retries and errors.

        ::

            secret = hook.call("secrets", "get", "project/my-team/key")["secret"]
            page = hook.call("queue", "listTaskGroup", task_group_id, query={"limit": 10})

        A list with more pages has a ``continuationToken``, which is a ``query`` option of the next call.

        :param service: Name of the service, such as ``queue`` or ``worker-manager``.
        :param method: Name in Taskcluster's reference, such as ``createTask``.
        :param args: Arguments in the path, in order.
        :param payload: The request body.
        :param query: Options in the query string.
        :return: The response body, None if it is empty; redirects are not followed.
        :raises InvalidInput: The service, method or option does not exist, or arguments are wrong. Nothing was sent.
        :raises ServiceError: The service responded with an error; there is a subclass for each kind.
        :raises ConnectionFailed: No response, after all retries.
        """
        upstream.check_call(service, method, args, payload, query)
        return await self.client.call(service, method, *args, payload=payload, query=query, see_other=True)

    async def ping(self, service: Service = "object") -> Json:
        """Check that a service is up. Needs no scope.

        :param service: ``object``, ``queue``, ``purge-cache`` or ``auth``.
        """
        if service not in SERVICES:
            raise InvalidInput(f"There is no service {service!r} to ping: name {', '.join(SERVICES)}")
        response: Json = await self.client.call(service, "ping", read=ALIVE)
        return response

    async def look(self, wait: Wait, memory: Any = None) -> Verdict:
        """Check once whether a wait is over, goes on, or can no longer succeed.

        :param wait: A wait of ``airflow_provider_taskcluster.types``, such as ``TaskWait``.
        :param memory: ``memory`` of the last ``NotYet``, which saves requests; None for the first look.
        """
        from airflow_provider_taskcluster.waits.check import look

        return await look(wait, self.client, memory)

    async def list_artifacts(self, task_id: str, run_id: int | None = None) -> list[ArtifactInfo]:
        """List all artifacts of a run, from all pages. Scope ``queue:list-artifacts:<taskId>[:<runId>]``.

        Object artifacts are listed before their upload is finished; ``artifact_info`` finds only finished ones.
        """
        pages = Artifacts(self.client).pages(names.task_id(task_id), run_id)
        return [info async for page in pages for info in page]

    async def task_runs(self, task_id: str) -> list[TaskRun]:
        """Return the runs of a task, from the first to the latest. Scope ``queue:status:<taskId>``.

        :raises NotFound: The task does not exist.
        """
        return (await Tasks(self.client).status(names.task_id(task_id)))["runs"]

    async def artifact_info(self, task_id: str, name: str, run_id: int | None = None) -> ArtifactInfo:
        """Return the metadata of one finished artifact. Scope ``queue:list-artifacts:<taskId>[:<runId>]``.

        :raises NotFound: The task, run or artifact does not exist, or not yet.
        """
        return await Artifacts(self.client).info(names.task_id(task_id), names.artifact_name(name), run_id)

    async def object_metadata(self, name: str) -> ObjectMetadata:
        """Return project, expiry and hashes of a finished object. Scope ``object:download:<name>``.

        :raises NotFound: The object does not exist, or its upload is not finished.
        """
        return await Objects(self.client).metadata(names.object_name(name))

    async def _secret(self, name: str) -> Json:
        """Return a secret, whose texts the caller has to mask."""
        return (await Secrets(self.client).get(names.secret_name(name)))["secret"]

    async def purge_cache(
        self,
        worker_pool_id: str | None = None,
        cache_name: str = "",
        *,
        provisioner_id: str | None = None,
        worker_type: str | None = None,
    ) -> None:
        """Ask the workers of a pool to drop a cache before their next task.

        Scope ``purge-cache:<workerPoolId>:<cacheName>``.

        :param worker_pool_id: ``<provisionerId>/<workerType>``; or pass the two separately.
        :param cache_name: Name of the cache.
        """
        pool = names.worker_pool_id(worker_pool_id, provisioner_id=provisioner_id, worker_type=worker_type)
        if not isinstance(cache_name, str) or not cache_name:
            raise InvalidInput("purge_cache needs the name of a cache: pass cache_name")
        await PurgeCache(self.client).purge(pool, cache_name)

    async def purge_requests(self, worker_pool_id: str, since: datetime | None = None) -> list[PurgeRequest]:
        """Return the open purge requests of one pool. The service caches its response for 10 s.

        Scope ``purge-cache:purge-requests::<workerPoolId>``.

        :param since: Only requests made since then.
        """
        pool = names.worker_pool_id(worker_pool_id)
        since = None if since is None else utc_datetime(since, "since")
        return await PurgeCache(self.client).requests(pool, since)

    async def all_purge_requests(
        self, *, limit: int | None = None, continuation_token: str | None = None
    ) -> PurgeRequestPage:
        """Return the open purge requests of all pools: all pages, or one page if a limit or token is given.

        Scope ``purge-cache:all-purge-requests``.

        :param limit: Most requests in a page.
        :param continuation_token: ``continuationToken`` of the page before.
        :return: ``requests``, and ``continuationToken`` if another page follows.
        """
        service = PurgeCache(self.client)
        if limit is not None or continuation_token is not None:
            return await service.page(limit, continuation_token)
        return {"requests": [request async for request in service.all_requests()]}


def blocking(
    method: Callable[Concatenate[JsonCalls, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[TaskclusterBaseHook, P], T]:
    """Return a coroutine of ``JsonCalls`` as a blocking method of the hook; the calling thread makes the client."""

    @functools.wraps(method)
    def call(hook: TaskclusterBaseHook, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return run(method(JsonCalls(hook.client), *args, **kwargs))

    call.__signature__ = inspect.signature(method)  # type: ignore[attr-defined]  # of a function
    del call.__wrapped__  # it marks a coroutine function, which this is not
    return call

"""What all parts of the hook stand on: the connection, its credentials, and what is made from them once."""

from __future__ import annotations

import copy
import functools
import logging
import mimetypes
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook, mask_secret

from airflow_provider_taskcluster.common import names, values
from airflow_provider_taskcluster.common.cached_attribute import cached_attribute
from airflow_provider_taskcluster.common.timestamps import iso_timestamp, utc_datetime_after
from airflow_provider_taskcluster.connection.reading import read, with_overrides
from airflow_provider_taskcluster.exceptions import ConfigurationError, InvalidInput, WouldBlockLoop
from airflow_provider_taskcluster.hooks.sync_services import EngineServices
from airflow_provider_taskcluster.services.client import Client
from airflow_provider_taskcluster.services.loop import run
from airflow_provider_taskcluster.transfer.http.client import StoreClient

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from airflow_provider_taskcluster.connection.settings import ConnectionSettings

log = logging.getLogger(__name__)
H = TypeVar("H", bound="TaskclusterBaseHook")


class TaskclusterBaseHook(BaseHook):
    """Owns the connection. Nothing is read or opened before it is needed.

    :param taskcluster_conn_id: Id of the connection. Where none is defined the environment decides, as for the
        Taskcluster clients.
    :param connect_timeout: Seconds to wait for a connection, in place of the connection's.
    :param read_timeout: Seconds of silence that end a request, in place of the connection's.
    :param max_retries: Most repeats of a request that failed for the moment, in place of the connection's.
    """

    def __init__(
        self,
        taskcluster_conn_id: str = "taskcluster_default",
        *,
        connect_timeout: float | None = None,
        read_timeout: float | None = None,
        max_retries: int | None = None,
    ) -> None:
        super().__init__()
        self.taskcluster_conn_id = taskcluster_conn_id
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._max_retries = max_retries
        self._stopped = False

    @cached_attribute
    def settings(self) -> ConnectionSettings:
        """The connection, checked.

        :raises ConfigurationError: It cannot work as it is; says what to change.
        :raises WouldBlockLoop: A task reads it in its event loop, while a coroutine there reads one.
        """
        try:
            return self._checked(self._connection())
        except _deadlock() as error:  # not an Exception: nothing else would catch it
            raise WouldBlockLoop(
                f"Connection {self.taskcluster_conn_id!r} is read in an event loop that reads another one: in a "
                f"coroutine, use `await TaskclusterAsyncHook.open(...)`, or this hook in `asyncio.to_thread`"
            ) from error

    def _checked(self, connection: Any, where: str | None = None) -> ConnectionSettings:
        """Return what a connection means.

        :param where: What errors call it in the place of its id.
        """
        found = with_overrides(
            read(connection, self.taskcluster_conn_id, where=where),
            connect_timeout=self._connect_timeout,
            read_timeout=self._read_timeout,
            max_retries=self._max_retries,
        )
        for secret in found.secrets:
            mask_secret(secret)
        if found.network.verify is False:
            log.warning("%r verifies no certificates: anybody on the way can read along", self.taskcluster_conn_id)
        return found

    def _connection(self) -> Any:
        """Return the connection, None where there is none of this id."""
        try:
            return self.get_connection(self.taskcluster_conn_id)
        except AirflowNotFoundException:
            return None

    @cached_attribute
    def client(self) -> Client:
        """Calls of the JSON APIs, as coroutines."""
        client = new_client(self.settings, self.taskcluster_conn_id)
        if self._stopped:
            client.stop()
        return client

    @property
    def _store(self) -> StoreClient:
        store = self._kept_store
        if self._stopped:  # perhaps before there was one
            store.stop()
        return store

    @cached_attribute
    def _kept_store(self) -> StoreClient:
        if self.settings.network.verify is False:  # `settings` has said so, once; urllib3 would with each request
            from urllib3 import disable_warnings
            from urllib3.exceptions import InsecureRequestWarning

            disable_warnings(InsecureRequestWarning)
        return StoreClient(self.settings.network)

    @cached_attribute
    def _engine_services(self) -> EngineServices:
        return EngineServices(self.client)

    def _project(self, project_id: str | None) -> str:
        """Return the project of an upload, by default the connection's."""
        return names.project_id(project_id or self.settings.project_id, self.taskcluster_conn_id)

    def _prepare(self) -> None:
        """Make what is made once, before several threads ask for it."""
        _ = (self._engine_services, self._store)

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return run(coroutine)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is made from the connection: locks and sockets travel nowhere, secrets should not."""
        kind = type(self)
        made = {name for name in self.__dict__ if isinstance(getattr(kind, name, None), cached_attribute)}
        return {name: value for name, value in self.__dict__.items() if name not in made} | {"_stopped": False}

    def get_conn(self) -> Client:
        """Return the signed client of the JSON APIs."""
        return self.client

    def stop(self) -> None:
        """End the transfers of this hook, from a signal handler or another thread; they raise ``Interrupted``.

        Those that have not begun yet do so, too, and calls that wait for their next try.
        """
        self._stopped = True
        if "client" in self.__dict__:
            self.client.stop()
        if "_kept_store" in self.__dict__:
            self._kept_store.stop()

    def close(self) -> None:
        """Close the kept connections. The hook opens new ones when it is used again."""
        if "client" in self.__dict__:
            self._run(self.client.close())
        if "_kept_store" in self.__dict__:
            self._kept_store.close()


def _deadlock() -> type[BaseException] | tuple[()]:
    """Return what Airflow raises instead of letting a task's event loop wait for itself; () where it does not."""
    try:
        from airflow.sdk.execution_time.comms import DeadlockImminentError
    except ImportError:  # before 3.2
        return ()
    return DeadlockImminentError


def use_connection(hook: TaskclusterBaseHook, connection: Any) -> None:
    """Let a hook take a connection that was read elsewhere, None where there is none of its id.

    :raises ConfigurationError: It cannot work as it is.
    """
    hook.__dict__["settings"] = hook._checked(connection)  # noqa: SLF001 (of this file)


def twin_of(hook: H) -> H:
    """Return another hook of the same connection, which it does not read again; its kept connections are its own."""
    twin = copy.copy(hook)
    twin.__dict__["settings"] = hook.settings
    return twin


def new_client(found: ConnectionSettings, conn_id: str | None) -> Client:
    """Return the client of a connection.

    :param conn_id: Its id, for errors; None leaves it out of them.
    """
    return Client(
        found.root_url,
        found.credentials,
        network=found.network,
        authorized_scopes=found.authorized_scopes,
        conn_id=conn_id,
    )


def place(where: Any, *, folder: bool = False) -> Any:
    """Return a URL such as ``s3://conn_id@bucket/key`` as the ``ObjectStoragePath`` it is, anything else as it is.

    :param folder: It may name a folder, else a file.
    :raises InvalidInput: There is no such kind of URL, or it names a folder.
    """
    if not (isinstance(where, str) and "://" in where):
        return where
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    if where.endswith("/") and not folder:  # which would be lost on the way
        raise InvalidInput(f"{where!r} is a folder: name a file")
    try:
        return ObjectStoragePath(where)
    except ValueError as error:
        raise InvalidInput(f"{where!r} is not the URL of a file: {error}") from None


def byte_limit(max_bytes: Any, what: str = "max_bytes") -> int | None:
    """Return a limit as a number; None is no limit.

    :param what: Its name, for the error.

    :raises InvalidInput: It is neither.
    """
    try:
        return None if max_bytes is None else values.whole_number(max_bytes, what)
    except ConfigurationError as error:
        raise InvalidInput(str(error)) from None


def future(expires: datetime | timedelta) -> datetime:
    """Return the expiry in UTC and whole milliseconds, as the service keeps it.

    :param expires: A timedelta counts from now.
    """
    now = datetime.now(UTC)
    expires = utc_datetime_after(now, expires, "expires")
    if expires <= now:
        raise InvalidInput(f"expires is {iso_timestamp(expires)}, which is past: the object would be gone at once")
    return expires


def secret_upload_id(value: str) -> str:
    """Return an uploadId of the caller's own, kept out of Airflow's logs: who knows it can take the upload over.

    :raises InvalidInput: It cannot be one.
    """
    upload_id = names.upload_id(value)
    mask_secret(upload_id)
    return upload_id


def guessed_type(name: str) -> str:
    """Return the content type that the end of a name stands for, by Python's own table.

    The files of the machine, such as /etc/mime.types, are left out: another worker shall come to the same type, which
    is part of what an upload is.
    """
    guessed, encoding = _own_table().guess_type(name)
    if encoding:  # .tar.gz holds a tar, but what is stored is gzip
        return {"gzip": "application/gzip"}.get(encoding, "application/octet-stream")
    return guessed or "application/octet-stream"


@functools.cache
def _own_table() -> mimetypes.MimeTypes:
    return mimetypes.MimeTypes()

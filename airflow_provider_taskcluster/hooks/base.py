"""Base class of the hook: the connection, its credentials, and the clients made from them."""

from __future__ import annotations

import copy
import functools
import logging
import mimetypes
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook, mask_secret

from airflow_provider_taskcluster.common import names
from airflow_provider_taskcluster.common.cached_attribute import cached_attribute
from airflow_provider_taskcluster.common.counts import whole_number
from airflow_provider_taskcluster.common.timestamps import iso_timestamp, utc_datetime_after
from airflow_provider_taskcluster.connection.parsing import read, with_overrides
from airflow_provider_taskcluster.exceptions import InvalidInput, WouldBlockLoop
from airflow_provider_taskcluster.hooks.sync_services import EngineServices
from airflow_provider_taskcluster.services.client import Client
from airflow_provider_taskcluster.services.runner import run
from airflow_provider_taskcluster.transfer.http.client import StoreClient

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from airflow_provider_taskcluster.connection.settings import ConnectionSettings
    from airflow_provider_taskcluster.services.transport import Transport

log = logging.getLogger(__name__)
H = TypeVar("H", bound="TaskclusterBaseHook")


class TaskclusterBaseHook(BaseHook):
    """Owns the connection, which is read on first use.

    :param taskcluster_conn_id: Id of the connection. If there is none, environment variables are used, as by the
        Taskcluster clients.
    :param connect_timeout: Seconds to connect to a server; overrides the connection's.
    :param read_timeout: Seconds without data that end a request; overrides the connection's.
    :param max_retries: Most retries of a request with a transient error; overrides the connection's.
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
        """The checked settings of the connection.

        :raises ConfigurationError: The connection cannot work; the message says what to change.
        :raises WouldBlockLoop: A task reads it in its event loop while a coroutine there reads a connection.
        """
        try:
            return self._checked(self._connection())
        except _deadlock() as error:  # not an Exception: nothing else would catch it
            raise WouldBlockLoop(
                f"Connection {self.taskcluster_conn_id!r} is read in an event loop that reads another one: in a "
                f"coroutine, use `await TaskclusterAsyncHook.open(...)`, or this hook in `asyncio.to_thread`"
            ) from error

    def _checked(self, connection: Any, where: str | None = None) -> ConnectionSettings:
        """Return the checked settings of a connection, with this hook's own time-outs and retries.

        :param where: Name of the connection in errors, in place of its id.
        """
        settings = with_overrides(
            read(connection, self.taskcluster_conn_id, where=where),
            connect_timeout=self._connect_timeout,
            read_timeout=self._read_timeout,
            max_retries=self._max_retries,
        )
        for secret in settings.secrets:
            mask_secret(secret)
        if settings.network.verify is False:
            log.warning("%r verifies no certificates: anybody on the way can read along", self.taskcluster_conn_id)
        return settings

    def _connection(self) -> Any:
        """Return the connection, None if there is none with this id."""
        try:
            return self.get_connection(self.taskcluster_conn_id)
        except AirflowNotFoundException:
            return None

    @cached_attribute
    def client(self) -> Client:
        """The client of the JSON APIs. Its calls are coroutines that block."""
        client = new_client(self.settings, self.taskcluster_conn_id)
        if self._stopped:
            client.stop()
        return client

    @property
    def _store(self) -> StoreClient:
        store = self._cached_store
        if self._stopped:  # perhaps before the store was made
            store.stop()
        return store

    @cached_attribute
    def _cached_store(self) -> StoreClient:
        return StoreClient(self.settings.network)

    @cached_attribute
    def _engine_services(self) -> EngineServices:
        return EngineServices(self.client)

    def _project(self, project_id: str | None) -> str:
        """Return the project of an upload, by default the connection's."""
        return names.project_id(project_id or self.settings.project_id, self.taskcluster_conn_id)

    def _prepare(self) -> None:
        """Make the clients before several threads use them."""
        _ = (self._engine_services, self._store)

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return run(coroutine)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is made from the connection: locks and sockets cannot be pickled, secrets should not be."""
        kind = type(self)
        made = {name for name in self.__dict__ if isinstance(getattr(kind, name, None), cached_attribute)}
        return {name: value for name, value in self.__dict__.items() if name not in made} | {"_stopped": False}

    def get_conn(self) -> Client:
        """Return the signed client of the JSON APIs. Its calls are coroutines that block: ``services.runner.run``."""
        return self.client

    def stop(self) -> None:
        """End the transfers of this hook, from a signal handler or another thread; they raise ``Interrupted``.

        So do transfers that begin later, and calls: those that only read once they are connected, others before their
        next try.
        """
        self._stopped = True
        if "client" in self.__dict__:
            self.client.stop()
        if "_cached_store" in self.__dict__:
            self._cached_store.stop()

    def close(self) -> None:
        """Close the HTTP connections. The hook opens new ones when it is used again."""
        if "client" in self.__dict__:
            self._run(self.client.close())
        if "_cached_store" in self.__dict__:
            self._cached_store.close()


def _deadlock() -> type[BaseException] | tuple[()]:
    """Return the exception that Airflow raises where a task's event loop would wait for itself; () if it has none."""
    try:
        from airflow.sdk.execution_time.comms import DeadlockImminentError
    except ImportError:  # before 3.2
        return ()
    return DeadlockImminentError


def use_connection(hook: TaskclusterBaseHook, connection: Any) -> None:
    """Give a hook a connection that was read elsewhere.

    :param connection: None if there is none with the hook's id.
    :raises ConfigurationError: The connection cannot work.
    """
    hook.__dict__["settings"] = hook._checked(connection)  # noqa: SLF001 (of this file)


def twin_of(hook: H, **options: int) -> H:
    """Return a second hook with the same settings, not read again, and with HTTP connections of its own.

    :param options: ``connect_timeout``, ``read_timeout`` and ``max_retries`` that are to differ.
    """
    twin = copy.copy(hook)
    twin.__dict__["settings"] = with_overrides(hook.settings, **options) if options else hook.settings
    return twin


def new_client(settings: ConnectionSettings, conn_id: str | None, transport: Transport | None = None) -> Client:
    """Return a client of the JSON APIs.

    :param conn_id: Id of the connection, for errors; None leaves it out of them.
    :param transport: Sends the requests; by default it blocks.
    """
    return Client(
        settings.root_url,
        settings.credentials,
        network=settings.network,
        authorized_scopes=settings.authorized_scopes,
        transport=transport,
        conn_id=conn_id,
    )


def as_storage_path(where: Any, *, folder: bool = False) -> Any:
    """Convert a URL such as ``s3://conn_id@bucket/key`` to an ``ObjectStoragePath``; return anything else unchanged.

    :param folder: Allow the URL of a folder.
    :raises InvalidInput: The URL's scheme is not known, or it names a folder where a file is needed.
    """
    if not (isinstance(where, str) and "://" in where):
        return where
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    if where.endswith("/") and not folder:  # ObjectStoragePath drops the slash
        raise InvalidInput(f"{where!r} is a folder: name a file")
    try:
        return ObjectStoragePath(where)
    except ValueError as error:
        raise InvalidInput(f"{where!r} is not the URL of a file: {error}") from None


def byte_limit(max_bytes: Any, what: str = "max_bytes") -> int | None:
    """Check a limit, a whole number or None for no limit, and return it.

    :param what: Name of the argument, for the error.
    :raises InvalidInput: It is neither.
    """
    return None if max_bytes is None else whole_number(max_bytes, what)


def future_expiry(expires: datetime | timedelta, consequence: str = "the object would be gone at once") -> datetime:
    """Return the expiry in UTC and whole milliseconds, as the service stores it.

    :param expires: A timedelta counts from now.
    :param consequence: What an expiry in the past would mean, for the error.
    :raises InvalidInput: It is in the past.
    """
    now = datetime.now(UTC)
    expires = utc_datetime_after(now, expires, "expires")
    if expires <= now:
        raise InvalidInput(f"expires is {iso_timestamp(expires)}, which is past: {consequence}")
    return expires


def secret_upload_id(value: str) -> str:
    """Check an uploadId that the caller chose, and mask it in Airflow's logs: it is enough to take the upload over.

    :raises InvalidInput: It is not a v4 slugid.
    """
    upload_id = names.upload_id(value)
    mask_secret(upload_id)
    return upload_id


def guessed_type(name: str) -> str:
    """Guess the content type from the suffix of a name, by Python's built-in table.

    Files of the machine, such as /etc/mime.types, are not read: the type is part of an upload's identity, and must be
    the same on each worker.
    """
    guessed, encoding = _builtin_table().guess_type(name)
    if encoding:  # a .tar.gz file is gzip data
        return {"gzip": "application/gzip"}.get(encoding, "application/octet-stream")
    return guessed or "application/octet-stream"


@functools.cache
def _builtin_table() -> mimetypes.MimeTypes:
    return mimetypes.MimeTypes()

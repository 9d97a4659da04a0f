"""What all parts of the hook stand on: the connection, its credentials, and what is made from them once."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook, mask_secret

from airflow_provider_taskcluster.connection import settings
from airflow_provider_taskcluster.exceptions import ConfigurationError
from airflow_provider_taskcluster.hooks.bridge import EngineServices
from airflow_provider_taskcluster.services.auth import Auth
from airflow_provider_taskcluster.services.client import Client
from airflow_provider_taskcluster.services.loop import run
from airflow_provider_taskcluster.transfer.http import Store

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from airflow_provider_taskcluster.connection.settings import ConnectionSettings


class TaskclusterBaseHook(BaseHook):
    """Owns the connection. Nothing is read or opened before it is needed.

    :param taskcluster_conn_id: Id of the connection. Where none is defined the environment decides, as for the
        Taskcluster clients.
    :param connect_timeout: Seconds to wait for a connection, in place of the connection's.
    :param read_timeout: Seconds of silence that end a request, in place of the connection's.
    :param max_retries: Repeats of a request that failed for the moment, in place of the connection's.
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

    @cached_property
    def settings(self) -> ConnectionSettings:
        """The connection, checked.

        :raises ConfigurationError: It cannot work as it is; says what to change.
        """
        found = self._with_overrides(self._connection_settings())
        for secret in found.secrets:
            mask_secret(secret)
        return found

    def _connection_settings(self) -> ConnectionSettings:
        try:
            connection = self.get_connection(self.taskcluster_conn_id)
        except AirflowNotFoundException:
            return settings.from_environment(os.environ, conn_id=self.taskcluster_conn_id)
        return settings.parse(
            conn_id=self.taskcluster_conn_id,
            host=connection.host,
            login=connection.login,
            password=connection.password,
            port=connection.port,
            extra=_extra(connection.extra, self.taskcluster_conn_id),
            environ=os.environ,
        )

    def _with_overrides(self, found: ConnectionSettings) -> ConnectionSettings:
        network = found.network
        if self._connect_timeout is not None:
            network = replace(network, connect_timeout=self._connect_timeout)
        if self._read_timeout is not None:
            network = replace(network, read_timeout=self._read_timeout)
        if self._max_retries is not None:
            network = replace(network, retry=replace(network.retry, max_retries=self._max_retries))
        return replace(found, network=network)

    @cached_property
    def client(self) -> Client:
        """Calls of the JSON APIs, as coroutines."""
        found = self.settings
        return Client(
            found.root_url, found.credentials, network=found.network, authorized_scopes=found.authorized_scopes
        )

    @cached_property
    def _store(self) -> Store:
        return Store(self.settings.network)

    @cached_property
    def _engine_services(self) -> EngineServices:
        return EngineServices(self.client)

    @cached_property
    def _auth(self) -> Auth:
        return Auth(self.client)

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return run(coroutine)

    def get_conn(self) -> Client:
        """Return the signed client of the JSON APIs."""
        return self.client

    def stop(self) -> None:
        """End the transfers of this hook, from a signal handler or another thread; they raise ``Interrupted``."""
        if "_store" in self.__dict__:
            self._store.stop()

    def close(self) -> None:
        """Close the kept connections. The hook opens new ones when it is used again."""
        if "client" in self.__dict__:
            self._run(self.client.close())
        if "_store" in self.__dict__:
            self._store.close()


def _extra(text: str | None, conn_id: str) -> dict[str, Any]:
    try:
        extra = json.loads(text) if text else {}
    except ValueError:
        extra = None
    if not isinstance(extra, dict):
        raise ConfigurationError(f"Connection {conn_id!r}: the extra is not a JSON object; correct or clear it")
    return extra

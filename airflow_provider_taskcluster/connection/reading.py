"""An Airflow connection, or the environment in its place, as settings; one reader for hooks and triggers."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_taskcluster.connection import settings, values
from airflow_provider_taskcluster.exceptions import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_taskcluster.connection.settings import ConnectionSettings


class AirflowConnection(Protocol):
    """What is read of a connection."""

    host: str | None
    login: str | None
    password: str | None
    port: int | None
    extra: str | None


def read(connection: AirflowConnection | None, conn_id: str) -> ConnectionSettings:
    """Return what a connection means; None stands for one that is not defined: the environment decides.

    :raises ConfigurationError: It cannot work as it is; says what to change.
    """
    if connection is None:
        return settings.from_environment(os.environ, conn_id=conn_id)
    return settings.parse(
        conn_id=conn_id,
        host=connection.host,
        login=connection.login,
        password=connection.password,
        port=connection.port,
        extra=_extra(connection.extra, conn_id),
        environ=os.environ,
    )


def overridden(
    found: ConnectionSettings,
    *,
    connect_timeout: float | None = None,
    read_timeout: float | None = None,
    max_retries: int | None = None,
) -> ConnectionSettings:
    """Return the settings with what is given in place of the connection's.

    :raises ConfigurationError: A value cannot be.
    """
    network = found.network
    if connect_timeout is not None:
        seconds = values.positive_number(connect_timeout, "The hook's connect_timeout")
        network = replace(network, connect_timeout=seconds)
    if read_timeout is not None:
        seconds = values.positive_number(read_timeout, "The hook's read_timeout")
        network = replace(network, read_timeout=seconds)
    if max_retries is not None:
        count = values.whole_number(max_retries, "The hook's max_retries")
        network = replace(network, retry=replace(network.retry, max_retries=count))
    return replace(found, network=network)


def _extra(text: str | None, conn_id: str) -> dict[str, Any]:
    try:
        extra = json.loads(text) if text else {}
    except ValueError:
        extra = None
    if not isinstance(extra, dict):
        raise ConfigurationError(f"Connection {conn_id!r}: the extra is not a JSON object; correct or clear it")
    return extra

"""Reads an Airflow connection, or else the environment, into settings."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_taskcluster.common import values
from airflow_provider_taskcluster.common.messages import one_line, visible
from airflow_provider_taskcluster.connection import settings
from airflow_provider_taskcluster.connection.fields import CONNECTION_TYPE
from airflow_provider_taskcluster.exceptions import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_taskcluster.connection.settings import ConnectionSettings


log = logging.getLogger(__name__)


class AirflowConnection(Protocol):
    """The attributes of a connection that are read."""

    host: str | None
    login: str | None
    password: str | None
    port: int | None
    extra: str | None


def read(connection: AirflowConnection | None, conn_id: str, *, where: str | None = None) -> ConnectionSettings:
    """Return the settings of a connection; for None, an undefined one, those of the environment.

    :param where: Name of the connection in errors, in place of its ID.
    :raises ConfigurationError: The settings are invalid; says what to change.
    """
    if connection is None:
        return settings.from_environment(os.environ, conn_id=conn_id)
    where = where or f"Connection {conn_id!r}"
    if other := type_mismatch(connection):
        log.warning("%s %s", visible(where), visible(other))
    return settings.parse(
        where=where,
        conn_id=conn_id,
        host=connection.host,
        login=connection.login,
        password=connection.password,
        port=connection.port,
        extra=extra_of(connection, where),
        environ=os.environ,
    )


def with_overrides(
    configured: ConnectionSettings,
    *,
    connect_timeout: float | None = None,
    read_timeout: float | None = None,
    max_retries: int | None = None,
) -> ConnectionSettings:
    """Return the settings of a connection with the given values in their place.

    :raises ConfigurationError: A value is invalid.
    """
    network = configured.network
    if connect_timeout is not None:
        seconds = values.positive_number(connect_timeout, "The hook's connect_timeout")
        network = replace(network, connect_timeout=seconds)
    if read_timeout is not None:
        seconds = values.positive_number(read_timeout, "The hook's read_timeout")
        network = replace(network, read_timeout=seconds)
    if max_retries is not None:
        count = values.whole_number(max_retries, "The hook's max_retries")
        network = replace(network, retry=replace(network.retry, max_retries=count))
    return replace(configured, network=network)


def type_mismatch(connection: AirflowConnection) -> str:
    """Say that a connection is of another type; "" if it is of ours, or has no type."""
    kind = getattr(connection, "conn_type", None)
    if not kind or kind == CONNECTION_TYPE:
        return ""
    return f"is of the type {kind!r}, not {CONNECTION_TYPE!r}: change its type, or name another one"


def host_label(connection: AirflowConnection) -> str:
    """Return a name for a connection that is being tested, by its host: Airflow gives it a random ID."""
    host = one_line((connection.host or "").rpartition("@")[2], 100)  # a login does not belong there, and is secret
    return f"The connection to {host}" if host else "The connection"


def extra_of(connection: AirflowConnection, where: str) -> dict[str, Any]:
    """Return the extra of a connection.

    :param where: Name of the connection in errors.
    :raises ConfigurationError: It is not a JSON object.
    """
    try:
        extra = json.loads(connection.extra) if connection.extra else {}
    except (ValueError, RecursionError):
        extra = None
    if not isinstance(extra, dict):
        raise ConfigurationError(f"{where}: the extra is not a JSON object; correct or clear it")
    return extra

"""The client of a connection, for coroutines: nothing here holds up the triggerer's event loop."""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING

from airflow.providers.common.compat.connection import get_async_connection
from airflow.providers.common.compat.sdk import AirflowNotFoundException, mask_secret

from airflow_provider_taskcluster.connection.reading import overridden, read
from airflow_provider_taskcluster.exceptions import WaitFailed
from airflow_provider_taskcluster.services.client import Client
from airflow_provider_taskcluster.texts import one_line

if TYPE_CHECKING:
    from airflow_provider_taskcluster.connection.reading import AirflowConnection

# What calls load on first use; some of it takes longer than a loop should stand still.
_LOADED = ("taskcluster.aio", "tenacity", "aiohttp")


async def open_client(
    conn_id: str, *, connect_timeout: float | None = None, read_timeout: float | None = None
) -> Client:
    """Read the connection and return its client, whose calls are not repeated.

    :raises ConfigurationError: The connection cannot work as it is.
    :raises WaitFailed: Airflow could not give it for the moment.
    """
    try:
        connection = await get_async_connection(conn_id)
    except AirflowNotFoundException:
        connection = None
    except Exception as error:  # of a database or a secrets backend, which may be back later
        raise WaitFailed(
            f"Connection {conn_id!r} could not be read: {type(error).__name__}: {one_line(error)}; "
            f"see that the triggerer can read it"
        ) from error
    return await asyncio.to_thread(_client, connection, conn_id, connect_timeout, read_timeout)


def _client(
    connection: AirflowConnection | None, conn_id: str, connect_timeout: float | None, read_timeout: float | None
) -> Client:
    found = overridden(
        read(connection, conn_id), connect_timeout=connect_timeout, read_timeout=read_timeout, max_retries=0
    )
    for secret in found.secrets:
        mask_secret(secret)
    for module in _LOADED:
        importlib.import_module(module)
    return Client(
        found.root_url,
        found.credentials,
        network=found.network,
        authorized_scopes=found.authorized_scopes,
        conn_id=conn_id,
    )

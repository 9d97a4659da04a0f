"""Root URL and credentials of the secrets backend: its own arguments, or else the environment."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.common.network import Network
from airflow_provider_taskcluster.common.retry import RetryPolicy
from airflow_provider_taskcluster.common.values import positive_number
from airflow_provider_taskcluster.connection.settings import ConnectionSettings, checked_root_url, from_environment
from airflow_provider_taskcluster.exceptions import ConfigurationError
from airflow_provider_taskcluster.services import credentials

if TYPE_CHECKING:
    from collections.abc import Mapping

ARGUMENTS = "The backend_kwargs of the secrets backend"
# Retries of one look-up: a service that refuses connections costs 2 s, and one that restarts may be back by then.
RETRIES = 2


def backend_settings(
    root_url: str | None,
    client_id: str | None,
    access_token: str | None,
    certificate: str | Mapping[str, Any] | None,
    *,
    environ: Mapping[str, str],
    timeout: float,
) -> ConnectionSettings:
    """Return the settings in the arguments; what is None there is that of the environment.

    :param timeout: Seconds of one look-up, which its caller ends; the network waits longer, so that it does not give up
        at the same time.
    :raises ConfigurationError: They cannot work.
    """
    if root_url is None:
        if not environ.get("TASKCLUSTER_PROXY_URL") and not environ.get("TASKCLUSTER_ROOT_URL"):
            raise ConfigurationError(
                "The secrets backend has no root URL: set TASKCLUSTER_ROOT_URL, or root_url in its backend_kwargs"
            )
        found = from_environment(environ, conn_id="")
    else:
        direct = {**environ, "TASKCLUSTER_ROOT_URL": checked_root_url(root_url, ARGUMENTS), "TASKCLUSTER_PROXY_URL": ""}
        found = from_environment(direct, conn_id="")
    if client_id or access_token or certificate:
        own = credentials.checked(client_id, access_token, certificate, where=ARGUMENTS)
        found = replace(found, credentials=own)
    seconds = positive_number(timeout, f"{ARGUMENTS}: timeout")
    network = Network(connect_timeout=2 * seconds, read_timeout=2 * seconds, retry=RetryPolicy(max_retries=RETRIES))
    return replace(found, network=network)

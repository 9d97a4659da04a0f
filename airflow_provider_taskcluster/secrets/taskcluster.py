"""``TaskclusterSecretsBackend``: Airflow's connections, variables and options from Taskcluster's secrets service."""

from __future__ import annotations

import asyncio
import logging
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.secrets import BaseSecretsBackend

# Airflow imports this module while it is itself being imported, and perhaps from one of our modules: others of ours are
# imported in functions.
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_taskcluster.secrets.cached_secrets import CachedSecrets
    from airflow_provider_taskcluster.services.schemas import Json

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Names:
    """The names of the secrets of one kind: ``<prefix>/<id>`` for the ids that a pattern matches."""

    prefix: str | None
    lookup: re.Pattern[str] | None
    exclude: re.Pattern[str] | None

    def of(self, key: str) -> str | None:
        """Return the name of the secret, None if it is not to be looked up."""
        if self.prefix is None or not key or not (key.isascii() and key.isprintable()):
            return None  # the service has no other names
        if self.lookup is not None and not self.lookup.match(key):
            return None
        if self.exclude is not None and self.exclude.match(key):
            return None
        return f"{self.prefix}/{key}"


class TaskclusterSecretsBackend(BaseSecretsBackend):
    """Reads connections, variables and options of Airflow from Taskcluster's secrets service.

    ::

        [secrets]
        backend = airflow_provider_taskcluster.secrets.taskcluster.TaskclusterSecretsBackend
        backend_kwargs = {"connections_prefix": "my-team/connections", "variables_prefix": null}

    Scope ``secrets:get:<prefix>/<id>``. A secret that is missing, lapsed, refused or unreadable counts as not there,
    and Airflow goes on to its next backend; options of the configuration are an error then unless they are missing. No
    Airflow connection is read.

    :param connections_prefix: Secrets of connections are named ``<connections_prefix>/<conn_id>``; None for none.
    :param variables_prefix: As ``connections_prefix``, for variables.
    :param config_prefix: As ``connections_prefix``, for options (``sql_alchemy_conn_secret = <key>``).
    :param connections_lookup_pattern: Regular expression; other connection ids are not looked up. As all of these it
        has to match the beginning, in upper or lower case.
    :param variables_lookup_pattern: The same for variables.
    :param config_lookup_pattern: The same for options.
    :param exclude: Regular expression; ids of all kinds that it matches are not looked up.
    :param cache_seconds: Seconds for which a process keeps a secret, unless it expires before.
    :param missing_seconds: Seconds for which it keeps that a secret is missing or refused.
    :param timeout: Seconds of one look-up, retries included.
    :param pause_seconds: Seconds after a failure of the service in which it is not asked again.
    :param root_url: Root URL of the deployment; None takes ``TASKCLUSTER_ROOT_URL`` and the other environment variables
        of the Taskcluster clients.
    :param client_id: Client id, with ``root_url``; None for ``TASKCLUSTER_CLIENT_ID``.
    :param access_token: Its access token; None for ``TASKCLUSTER_ACCESS_TOKEN``.
    :param certificate: Certificate of temporary credentials; None for ``TASKCLUSTER_CERTIFICATE``.
    """

    def __init__(
        self,
        *,
        connections_prefix: str | None = "airflow/connections",
        variables_prefix: str | None = "airflow/variables",
        config_prefix: str | None = "airflow/config",
        connections_lookup_pattern: str | None = None,
        variables_lookup_pattern: str | None = None,
        config_lookup_pattern: str | None = None,
        exclude: str | None = None,
        cache_seconds: float = 300,
        missing_seconds: float = 30,
        timeout: float = 10,
        pause_seconds: float = 30,
        root_url: str | None = None,
        client_id: str | None = None,
        access_token: str | None = None,
        certificate: str | Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        excluded = _pattern("exclude", exclude)
        self._connections, self._variables, self._config = (
            _Names(_prefix(kind, prefix), _pattern(f"{kind}_lookup_pattern", lookup), excluded)
            for kind, prefix, lookup in (
                ("connections", connections_prefix, connections_lookup_pattern),
                ("variables", variables_prefix, variables_lookup_pattern),
                ("config", config_prefix, config_lookup_pattern),
            )
        )
        self._limits = (cache_seconds, missing_seconds, timeout, pause_seconds)
        self._login = (root_url, client_id, access_token, certificate)

    def get_conn_value(self, conn_id: str, team_name: str | None = None) -> str | None:  # noqa: ARG002 (scopes separate teams)
        """Return the URI or JSON text of a connection, None if there is none here."""
        from airflow_provider_taskcluster.secrets.secret_values import connection_text

        return self._read(self._connections.of(conn_id), connection_text)

    async def aget_connection(self, conn_id: str) -> Any:
        """Return a connection, None if there is none here. The event loop does not wait for the look-up."""
        value = await asyncio.to_thread(self.get_conn_value, conn_id)
        return self.deserialize_connection(conn_id, value) if value else None

    def get_variable(self, key: str, team_name: str | None = None) -> str | None:  # noqa: ARG002 (as above)
        """Return the value of a variable, with its texts masked in logs; None if there is none here."""
        from airflow.providers.common.compat.sdk import mask_secret

        from airflow_provider_taskcluster.common.redaction import texts_in
        from airflow_provider_taskcluster.secrets.secret_values import variable_text

        def masked(secret: Json) -> str:
            mask_secret([text := variable_text(secret), *texts_in(secret)])
            return text

        return self._read(self._variables.of(key), masked)

    def get_config(self, key: str) -> str | None:
        """Return the value of an option, None if there is none here.

        :raises TaskclusterError: The secret is refused, or the service failed: Airflow would start with its default.
        """
        from airflow_provider_taskcluster.secrets.secret_values import variable_text

        name = self._config.of(key)
        secret = None if name is None else self._secrets().get(name)
        return None if secret is None else variable_text(secret)

    def _read(self, name: str | None, convert: Callable[[Json], str]) -> str | None:
        """Return a secret as text, None if there is none; why not is logged."""
        if name is None:
            return None
        from airflow_provider_taskcluster.common.messages import visible
        from airflow_provider_taskcluster.exceptions import ConfigurationError, InvalidInput, TaskclusterError

        try:
            secret = self._secrets().get(name)
            return None if secret is None else convert(secret)
        except (ConfigurationError, InvalidInput) as error:
            log.warning("The secret %r is not used: %s", name, visible(error))
        except TaskclusterError as error:  # logged when it happened, as a warning
            log.debug("The secret %r is not used: %s", name, visible(error))
        return None

    def _secrets(self) -> CachedSecrets:
        """Return the secrets that this process has read.

        :raises ConfigurationError: Arguments and environment cannot work.
        """
        from airflow_provider_taskcluster.secrets.backend_settings import backend_settings
        from airflow_provider_taskcluster.secrets.cached_secrets import Limits, shared_secrets

        settings = backend_settings(*self._login, environ=os.environ, timeout=self._limits[2])
        return shared_secrets(settings, Limits(*self._limits))


def _prefix(kind: str, prefix: str | None) -> str | None:
    """Return a prefix without slashes at its end.

    :raises ValueError: Nothing is left.
    """
    if prefix is None:
        return None
    if not (stripped := prefix.rstrip("/")):
        raise ValueError(f"The prefix of {kind!r} is {prefix!r}: write a prefix, or null to read none")
    return stripped


def _pattern(argument: str, pattern: str | None) -> re.Pattern[str] | None:
    """Return a compiled pattern.

    :raises ValueError: It is no regular expression.
    """
    try:
        return None if pattern is None else re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"{argument!r} is {pattern!r}, no regular expression: {error!r}") from None

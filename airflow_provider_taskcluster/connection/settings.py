"""The settings of a Taskcluster connection: parsed and checked fields, or else those of the environment."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_taskcluster.common import values
from airflow_provider_taskcluster.common.messages import visible
from airflow_provider_taskcluster.common.network import Network
from airflow_provider_taskcluster.common.retry import RetryPolicy
from airflow_provider_taskcluster.connection.fields import EXTRA_FIELDS
from airflow_provider_taskcluster.exceptions import ConfigurationError
from airflow_provider_taskcluster.services import credentials

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_taskcluster.services.credentials import Credentials

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ConnectionSettings:
    """The checked settings of a connection. Secrets never show in the ``repr``.

    :param root_url: Root URL of the deployment, without a trailing slash.
    :param credentials: Credentials that sign calls; None for anonymous calls.
    :param authorized_scopes: Scopes that calls are limited to; None for all of the client's.
    :param project_id: Project of uploads that do not name one.
    :param upload_secret: Key that uploadIds are derived from; None takes the access token.
    :param live_log_hosts: Hosts (``urls.host_is_allowed``) that live logs of tasks may be read from; None for the root
        URL's host and its subdomains.
    :param network: Time-outs, retries, proxies and trusted certificates.
    :param durable: Whether local files survive power loss once they have their final names.
    """

    root_url: str
    credentials: Credentials | None = None
    authorized_scopes: tuple[str, ...] | None = None
    project_id: str | None = None
    upload_secret: str | None = field(default=None, repr=False)
    live_log_hosts: tuple[str, ...] | None = None
    network: Network = field(default_factory=Network)
    durable: bool = True

    @property
    def upload_key(self) -> str | None:
        """Key that uploadIds are derived from; None if no secret stays the same over all tries."""
        if self.upload_secret or not self.credentials or self.credentials.certificate:
            return self.upload_secret
        return self.credentials.access_token

    @property
    def secrets(self) -> tuple[str, ...]:
        """The values that must never be printed."""
        own = self.credentials.secrets if self.credentials else ()
        return (*own, *filter(None, [self.upload_secret]), *self.network.secrets())


def parse(
    *,
    conn_id: str,
    host: str | None,
    login: str | None,
    password: str | None,
    port: int | None,
    extra: Mapping[str, Any],
    environ: Mapping[str, str],
    where: str | None = None,
) -> ConnectionSettings:
    """Return the settings in the fields of a connection. A value of None or "" in the extra counts as not set.

    :param conn_id: ID of the connection, for errors.
    :param where: Name of the connection in errors, in place of its ID.
    :param environ: The environment, used if the extra ``from_env`` is set.
    :raises ConfigurationError: A field is invalid; says which one and what to write there.
    """
    where = where or f"Connection {conn_id!r}"
    if ignored := ignored_keys(extra):
        log.warning("%s: %s", visible(where), visible(ignored))
    extra = {key: value for key, value in extra.items() if value is not None and value != ""}
    if values.boolean(extra.get("from_env", False), f"{where}: from_env"):
        return _with_extras(where, extra, **_from_environment(environ))
    if port:
        raise ConfigurationError(f"{where}: write the port into the root URL (https://host:{port}), not beside it")
    return _with_extras(
        where,
        extra,
        root_url=checked_root_url(host, where),
        credentials=credentials.checked(login, password, extra.get("certificate"), where=where),
    )


def ignored_keys(extra: Mapping[str, Any]) -> str:
    """Name the unknown keys of an extra, which are often misspelt; "" if there are none."""
    known = [field.name for field in EXTRA_FIELDS]
    unknown = sorted(set(extra) - set(known))
    return f"nothing reads {', '.join(unknown)} in the extra; it takes {', '.join(known)}" if unknown else ""


def from_environment(environ: Mapping[str, str], *, conn_id: str) -> ConnectionSettings:
    """Return the settings in the environment variables of the Taskcluster clients, for an undefined connection.

    :raises ConfigurationError: The environment does not name a deployment either.
    """
    if not environ.get("TASKCLUSTER_PROXY_URL") and not environ.get("TASKCLUSTER_ROOT_URL"):
        raise ConfigurationError(
            f"There is no connection {conn_id!r}, and TASKCLUSTER_ROOT_URL is not set: "
            f"add a connection of the type taskcluster, or set the variable"
        )
    return ConnectionSettings(**_from_environment(environ))


def checked_root_url(url: str | None, where: str) -> str:
    """Return the root URL without trailing slashes.

    :raises ConfigurationError: It is invalid; says what to write instead.
    """
    if not url:
        raise ConfigurationError(f"{where} has no root URL: set it, such as https://taskcluster.example.com")
    if "@" in url:  # first of all: the other messages repeat the URL
        raise ConfigurationError(f"{where}: the root URL holds a login; use the client ID and the access token")
    if url != url.strip():
        raise ConfigurationError(f"{where}: the root URL has white space around it; write {url.strip()!r}")
    scheme, is_url, host = url.partition("://")
    url = f"{scheme}{is_url}{host.rstrip('/')}"
    if not is_url:
        raise ConfigurationError(f"{where}: the root URL has no scheme; write {'https://' + url!r}")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and (parts.hostname or "").encode("idna") and parts.port != 0
    except ValueError:  # raised for invalid brackets, ports and labels of a host
        usable = False
    if not usable or len(url.split()) > 1:
        raise ConfigurationError(f"{where}: {url!r} is not a root URL; write https://host")
    root = f"{parts.scheme}://{parts.netloc}"  # the scheme in lower case
    if url.partition("://")[2] != parts.netloc:
        raise ConfigurationError(f"{where}: the root URL ends after the host; write '{root}'")
    return root


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    variable = "TASKCLUSTER_PROXY_URL" if environ.get("TASKCLUSTER_PROXY_URL") else "TASKCLUSTER_ROOT_URL"
    root_url = checked_root_url(environ.get(variable), f"The environment variable {variable}")
    if not environ.get("TASKCLUSTER_CLIENT_ID"):  # no client id means no authentication
        return {"root_url": root_url, "credentials": None}
    return {
        "root_url": root_url,
        "credentials": credentials.checked(
            environ["TASKCLUSTER_CLIENT_ID"],
            environ.get("TASKCLUSTER_ACCESS_TOKEN"),
            environ.get("TASKCLUSTER_CERTIFICATE"),
            where="The environment (TASKCLUSTER_CLIENT_ID, _ACCESS_TOKEN, _CERTIFICATE)",
        ),
    }


def _with_extras(where: str, extra: Mapping[str, Any], **base: Any) -> ConnectionSettings:
    defaults = Network()

    def number(name: str, default: float) -> float:
        return values.positive_number(extra[name], f"{where}: {name}") if name in extra else default

    def text(name: str) -> str | None:
        return values.text(extra[name], f"{where}: {name}") if name in extra else None

    retries = extra.get("max_retries", defaults.retry.max_retries)
    return ConnectionSettings(
        **base,
        authorized_scopes=values.scopes(extra["authorized_scopes"], f"{where}: authorized_scopes")
        if "authorized_scopes" in extra
        else None,
        project_id=text("project_id"),
        upload_secret=text("upload_secret"),
        live_log_hosts=values.hosts(extra["live_log_hosts"], f"{where}: live_log_hosts")
        if "live_log_hosts" in extra
        else None,
        durable=values.boolean(extra.get("durable", True), f"{where}: durable"),
        network=Network(
            connect_timeout=number("connect_timeout", defaults.connect_timeout),
            read_timeout=number("read_timeout", defaults.read_timeout),
            verify=values.verify(extra.get("verify", True), f"{where}: verify"),
            proxies=values.proxies(extra["proxies"], f"{where}: proxies") if "proxies" in extra else None,
            retry=RetryPolicy(
                max_retries=values.whole_number(retries, f"{where}: max_retries"),
                retry_seconds=number("retry_seconds", defaults.retry.retry_seconds),
            ),
        ),
    )

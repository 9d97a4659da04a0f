"""Network settings of JSON calls and transfers alike: time-outs, proxies, trusted certificates."""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import os
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote, urlsplit

from airflow_provider_taskcluster.common import tls
from airflow_provider_taskcluster.common.redaction import public_url
from airflow_provider_taskcluster.common.retry import RetryPolicy
from airflow_provider_taskcluster.exceptions import ConfigurationError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping
    from urllib.parse import SplitResult


# The largest JSON answers are lists by the page, of a few MiB.
LARGEST_ANSWER = 64 * 1024 * 1024
# Bits before the IPv4 address in an IPv4-mapped IPv6 address.
_MAPPED = 96


@dataclass(frozen=True)
class Network:
    """Settings of all HTTP connections of one hook.

    :param connect_timeout: Seconds to wait for a connection.
    :param read_timeout: Seconds of silence after which a connection counts as dead. The total time of a body is not
        limited.
    :param verify: True to trust the usual certificate authorities, a path to a bundle of others, or False to disable
        verification.
    :param proxies: URL of the proxy by scheme (``http``, ``https``). None takes those of the environment
        (``HTTP_PROXY``, ``HTTPS_PROXY``, ``NO_PROXY``).
    :param retry: When and how often a request is repeated.
    :param largest_answer: Decoded bytes of a JSON response, at most.
    """

    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    verify: bool | str = True
    proxies: Mapping[str, str] | None = field(default=None, repr=False)  # may hold a password
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    largest_answer: int = LARGEST_ANSWER

    def proxy_for(self, url: str) -> str | None:
        """Return the URL of the proxy for ``url``, or None for a direct connection.

        :raises ConfigurationError: The proxy cannot be used, or is not an HTTP proxy.
        """
        proxy = self._proxy_for(url)
        if proxy and (why := login_problem(proxy)):
            raise ConfigurationError(f"The proxy {public_url(proxy)} cannot be used: {why}")
        return proxy

    def _proxy_for(self, url: str) -> str | None:
        parts = urlsplit(url)
        if self.proxies is not None:
            return self.proxies.get(parts.scheme)
        proxies = urllib.request.getproxies()
        proxy = proxies.get(parts.scheme)
        if not proxy or _bypasses_proxy(parts, proxies.get("no", "")):
            return None
        scheme, _, rest = proxy.rpartition("://")
        scheme = scheme.lower() or "http"
        if scheme not in {"http", "https"}:
            raise ConfigurationError(
                f"The environment names a {scheme} proxy for {parts.scheme}, and only HTTP proxies "
                f"are supported: set the extra proxies of the connection ({{}} for none)"
            )
        return f"{scheme}://{rest}"

    def secrets(self) -> tuple[str, ...]:
        """Return the passwords of the proxies, as written in the URL and decoded."""
        proxies = urllib.request.getproxies() if self.proxies is None else self.proxies
        written = (_password(proxy) for proxy in proxies.values())
        return tuple(dict.fromkeys(form for word in written if word for form in (word, unquote(word))))

    def tls_context(self) -> ssl.SSLContext | Literal[False]:
        """Return the TLS context, or False if certificates are not verified. Blocks while it reads.

        :raises ConfigurationError: The CA bundle is not a file with certificates.
        """
        return False if self.verify is False else tls.trusting_context(*self._bundle())

    def _bundle(self) -> tuple[str, str]:
        """Return the path of the CA bundle, and the setting that names it."""
        if isinstance(self.verify, str):
            return self.verify, "the extra verify"
        for variable in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
            if path := os.environ.get(variable):
                return path, f"the environment variable {variable}"
        from certifi import where

        return where(), "the package certifi"


def _bypasses_proxy(url: SplitResult, no_proxy: str) -> bool:
    """Tell whether ``NO_PROXY`` names the host: by name, domain or address, or by a network in CIDR notation."""
    host = url.netloc.rpartition("@")[2]
    names = ",".join(_undotted(entry.strip()) for entry in no_proxy.split(","))
    by_name = urllib.request.proxy_bypass_environment  # type: ignore[attr-defined]  # the published types leave it out
    if urllib.request.proxy_bypass(host) or by_name(_undotted(host), {"no": names}):
        return True
    try:
        address = ipaddress.ip_address((url.hostname or "").rstrip("."))
    except ValueError:  # a name
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in network for network in _networks(names, url.port))


def _undotted(host: str) -> str:
    """Return a host, with or without a port, without a trailing dot."""
    return host.replace(".:", ":").rstrip(".")


def _networks(no_proxy: str, port: int | None) -> Iterator[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """Yield the networks in ``NO_PROXY``; an IPv6 address in brackets may have a port, which must match then."""
    for entry in no_proxy.split(","):
        address, bracket, behind = entry.strip().partition("]")
        if bracket and behind and behind != f":{port}":
            continue
        with contextlib.suppress(ValueError):
            yield _unmapped(ipaddress.ip_network(address.removeprefix("["), strict=False))


def _unmapped(
    network: ipaddress.IPv4Network | ipaddress.IPv6Network,
) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """Return the IPv4 network of an IPv4-mapped IPv6 network (``::ffff:10.0.0.0/104``); others as they are."""
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    return ipaddress.ip_network(f"{mapped}/{network.prefixlen - _MAPPED}") if mapped else network


def proxy_login(proxy: str) -> dict[str, str]:
    """Return the header with the login in the URL of a proxy; none if it has no login.

    Encoded in latin-1, as by aiohttp and urllib3; ``Network.proxy_for`` has refused other characters.
    """
    parts = urlsplit(proxy)
    if parts.username is None:
        return {}
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {"Proxy-Authorization": "Basic " + base64.b64encode(login.encode("latin-1")).decode()}


def login_problem(proxy: str) -> str:
    """Say why the login in the URL of a proxy cannot be sent, without showing it; "" if it can, or there is none."""
    try:
        parts = urlsplit(proxy)
        user, password, _ = unquote(parts.username or ""), unquote(parts.password or ""), parts.port
    except ValueError:  # raised for invalid brackets and ports
        return "its URL is none: write http://user:password@host:port"
    try:
        f"{user}{password}".encode("latin-1")
    except UnicodeError:
        return (
            "its login has characters beyond latin-1, which HTTP does not carry: choose another user name or password"
        )
    return "the user name in its URL has a colon, which ends it: choose another" if ":" in user else ""


def _password(proxy: str) -> str | None:
    try:
        return urlsplit(proxy if "://" in proxy else f"//{proxy}").password
    except ValueError:
        return None

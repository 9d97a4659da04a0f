"""Decides from which hosts the live log of a task may be read. Its URL was written by a worker, or by the task."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from airflow_provider_taskcluster.common.messages import one_line
from airflow_provider_taskcluster.common.urls import host_is_allowed, url_problem

SETTING = "the extra live_log_hosts of the connection"
_LONGEST_SHOWN = 100


@dataclass(frozen=True)
class LiveHosts:
    """The hosts that live logs may be read from.

    :param root_url: Root URL of the deployment.
    :param hosts: Hosts (``urls.host_is_allowed``); None for the root URL's host and its subdomains.
    """

    root_url: str
    hosts: tuple[str, ...] | None = None

    def refusal(self, url: str, *, resolve: bool = True) -> str:
        """Say why a URL is not fetched, without showing more of it than the host; "" if it is.

        A private address must be named by the list, or be that of the deployment: a name can lead to any address.

        :param resolve: Look up the addresses of the host: not where a proxy does that.
        """
        if why := url_problem(url):
            return why
        shown, own = host_of(url), urlsplit(self.root_url).hostname or ""
        patterns = (own, f"*.{own}") if self.hosts is None else self.hosts
        if not host_is_allowed(url, patterns):
            return f"its host {shown} is not allowed: if you trust it, add it to {SETTING}"
        named = self.hosts is not None and host_is_allowed(url, [each for each in self.hosts if each[:2] != "*."])
        if named or not resolve or not _is_private(urlsplit(url).hostname or "") or _is_private(own):
            return ""
        return f"its host {shown} has a private address: if you trust it, add the very host to {SETTING}"


def host_of(url: str) -> str:
    """Return the host of a URL, for messages: the rest of the URL of a live log is a secret."""
    try:
        return repr(one_line(urlsplit(url).hostname or "", _LONGEST_SHOWN))
    except ValueError:  # raised for invalid brackets
        return "(unreadable)"


def _is_private(host: str) -> bool:
    """Tell whether one of the addresses of a host is not reachable from everywhere. An unknown host has none."""
    with contextlib.suppress(OSError, UnicodeError):
        found = {str(address[0]).partition("%")[0] for *_, address in socket.getaddrinfo(host, None)}
        return not all(_is_global(ipaddress.ip_address(address)) for address in found)
    return False


def _is_global(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return (getattr(address, "ipv4_mapped", None) or address).is_global

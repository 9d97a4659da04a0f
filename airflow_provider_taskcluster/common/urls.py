"""URLs that others wrote: whether they can be fetched, and which hosts may be. Pure."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

# Of a host's name, in DNS.
LONGEST_HOST = 253
# Beside letters and digits, of any script.
_OF_HOSTS = frozenset("-._")


def url_problem(url: str) -> str:
    """Say why a URL is not one to fetch, without repeating it; "" if it is one.

    It must be http or https, name a host, and hold neither a login nor characters that parsers of URLs drop or read in
    different ways.
    """
    if not url.isprintable() or " " in url or "\\" in url:
        return "it has a control character, a space or a backslash"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:  # raised for brackets and ports that cannot be
        return "its host or port cannot be"
    if parts.scheme not in {"http", "https"}:
        return "its scheme is not http or https"
    if not host:
        return "it names no host"
    if "@" in parts.netloc:
        return "it holds a login"
    return "" if _is_host(host) or _address(host) else "its host is not a name or an address"


def host_pattern_problem(pattern: object) -> str:
    """Say why something cannot stand in a list of hosts; "" if it can."""
    if not isinstance(pattern, str) or not pattern:
        return "a host is a text that is not empty"
    host = pattern.removeprefix("*.")
    if "*" in host:
        return "a * stands for subdomains, at the beginning: *.example.com"
    if not _address(_plain(pattern)) and not (_is_host(host) and all(host.rstrip(".").split("."))):
        return "write a host alone, without scheme, port or path"
    return ""


def host_is_allowed(url: str, patterns: Iterable[str]) -> bool:
    """Tell whether the host of a URL is on a list.

    :param patterns: Hosts (``example.com``), subdomains at any depth (``*.example.com``), IP addresses. They match as
        they are written, whatever the case: no name is resolved, nor translated into another script.
    """
    host = _plain(urlsplit(url).hostname or "")
    return any(
        host.endswith(_plain(pattern[1:])) and not _address(host)
        if pattern.startswith("*.")
        else host == _plain(pattern)
        for pattern in patterns
    )


def _plain(host: str) -> str:
    """Return the one spelling of a host: lower case, no dot at the end, addresses in their short form."""
    host = host.strip("[]").rstrip(".").lower()
    return str(_address(host) or host)


def _is_host(host: str) -> bool:
    return len(host) <= LONGEST_HOST and all(character.isalnum() or character in _OF_HOSTS for character in host)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None

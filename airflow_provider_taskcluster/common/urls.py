"""Checks of foreign URLs: whether they can be fetched, and whether their host is allowed. Pure."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

# Characters of a host name, in DNS.
LONGEST_HOST = 253
# Characters of a host beside letters and digits, of any script.
_HOST_CHARACTERS = frozenset("-._")


def url_problem(url: str) -> str:
    """Say why a URL must not be fetched, without showing it; "" if it may be.

    It must be http or https, name a host, and hold neither a login nor characters on which parsers of URLs differ.
    """
    if not url.isprintable() or " " in url or "\\" in url:
        return "it has a control character, a space or a backslash"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:  # raised for invalid brackets and ports
        return "its host or port cannot be"
    if parts.scheme not in {"http", "https"}:
        return "its scheme is not http or https"
    if not host:
        return "it names no host"
    if "@" in parts.netloc:
        return "it holds a login"
    return "" if _is_host(host) or _address(host) else "its host is not a name or an address"


def host_pattern_problem(pattern: object) -> str:
    """Say why a value is not a valid host pattern; "" if it is."""
    if not isinstance(pattern, str) or not pattern:
        return "a host is a text that is not empty"
    host = pattern.removeprefix("*.")
    if "*" in host:
        return "a * stands for subdomains, at the beginning: *.example.com"
    if not _address(_normalized(pattern)) and not (_is_host(host) and all(host.rstrip(".").split("."))):
        return "write a host alone, without scheme, port or path"
    return ""


def host_is_allowed(url: str, patterns: Iterable[str]) -> bool:
    """Tell whether the host of a URL matches one of the patterns.

    :param patterns: Hosts (``example.com``), subdomains at any depth (``*.example.com``), IP addresses. They match as
        written, in any case: names are neither resolved nor converted to punycode.
    """
    host = _normalized(urlsplit(url).hostname or "")
    return any(
        host.endswith(_normalized(pattern[1:])) and not _address(host)
        if pattern.startswith("*.")
        else host == _normalized(pattern)
        for pattern in patterns
    )


def _normalized(host: str) -> str:
    """Return the normalized host: lower case, no trailing dot, addresses in their short form."""
    host = host.strip("[]").rstrip(".").lower()
    return str(_address(host) or host)


def _is_host(host: str) -> bool:
    return len(host) <= LONGEST_HOST and all(character.isalnum() or character in _HOST_CHARACTERS for character in host)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None

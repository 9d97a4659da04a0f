"""Targets of redirects (RFC 9110, 15.4). Pure."""

from __future__ import annotations

import string
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from airflow_provider_taskcluster.common.redaction import public_url
from airflow_provider_taskcluster.exceptions import StoreError

MAX_REDIRECTS = 5
"""Most redirects to follow, where a store may redirect at all."""

REDIRECT_STATUSES = {301, 302, 303, 307, 308}
# Statuses after which the same request is sent again, a PUT as well.
METHOD_PRESERVING = {307, 308}
_PORTS = {"http": 80, "https": 443}


def redirect_target(url: str, location: str) -> str:
    """Return the URL of a Location header, read as browsers do: bytes beyond ASCII are percent-encoded.

    :param location: The header as HTTP libraries return it, one character for each byte.
    :raises StoreError: It is not an http or https URL.
    """
    try:
        parts = urlsplit(location.encode("latin-1").decode("utf-8", "surrogateescape"))
        host = parts.netloc.encode("idna").decode() if not parts.netloc.isascii() else parts.netloc
        path, query = (_quoted(part) for part in (parts.path, parts.query))
        target = urljoin(url, urlunsplit((parts.scheme, host, path, query, "")))
        scheme, _ = urlsplit(target).scheme, urlsplit(target).port
    except ValueError:
        raise StoreError(f"{public_url(url)} redirects to something that is no URL: ask those who run it") from None
    if scheme not in _PORTS:
        raise StoreError(f"{public_url(url)} redirects to {scheme!r}, not to http or https: ask those who run it")
    return target


def same_origin(one: str, other: str) -> bool:
    """Return whether two URLs have the same scheme, host and port."""
    return _origin(one) == _origin(other)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


def _quoted(part: str) -> str:
    return quote(part, safe=string.punctuation, errors="surrogateescape")

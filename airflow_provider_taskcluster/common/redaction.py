"""Redaction of secrets in URLs and in the logs of libraries."""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LEAKY_PACKAGES = {"taskcluster", "mohawk"}
# What a secret in a foreign text is replaced by; as Airflow's masker does.
MASK = "***"
# Signatures in URLs, and logins before their hosts.
_SIGNATURES = re.compile(
    r"([?&](?:X-Amz-Signature|X-Amz-Credential|X-Amz-Security-Token|Signature|bewit)=)[^&\s\"'<>]+", re.IGNORECASE
)
_LOGINS = re.compile(r"(://)[^/?#\s@\"'<>]{1,512}@")
# Whether the paths of the URLs that this thread requests are secrets.
_PATHS_ARE_SECRET: ContextVar[bool] = ContextVar("paths_are_secret", default=False)


def public_url(url: str) -> str:
    """Return the URL without its query, which may hold a signature, and without a login."""
    try:
        parts = urlsplit(url)
    except ValueError:  # raised for an invalid host
        return url.partition("?")[0].partition("#")[0].rpartition("@")[2]
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def masked(text: str, secrets: tuple[str, ...] = ()) -> str:
    """Return a foreign text without the given secrets, and without signatures and logins in URLs."""
    if secrets and (pattern := _any_of(secrets)):
        text = pattern.sub(MASK, text)
    if "=" in text:
        text = _SIGNATURES.sub(rf"\1{MASK}", text)
    return _LOGINS.sub(rf"\1{MASK}@", text) if "://" in text else text


@lru_cache(maxsize=64)
def _any_of(secrets: tuple[str, ...]) -> re.Pattern[str] | None:
    longest_first = sorted(filter(None, secrets), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first))) if longest_first else None


@contextmanager
def secret_paths() -> Iterator[None]:
    """Keep the paths of URLs out of the debug logs of urllib3, for the requests that this thread makes in the block."""
    token = _PATHS_ARE_SECRET.set(True)
    try:
        yield
    finally:
        _PATHS_ARE_SECRET.reset(token)


def quiet_libraries() -> None:
    """Keep secrets out of the debug logs of libraries.

    The ``taskcluster`` package logs signed headers and whole responses with credentials, mohawk logs signed headers
    with the certificate, and urllib3 logs URLs with their signatures. Called before each request, since a user may
    change log levels at any time.
    """
    known = logging.root.manager.loggerDict
    for logger in _leaky_loggers(len(known), known):
        if logger.isEnabledFor(logging.INFO - 1):
            logger.setLevel(logging.INFO)
    pool = logging.getLogger("urllib3.connectionpool")
    if not any(isinstance(present, _CutQueries) for present in pool.filters):
        pool.addFilter(_CutQueries())


_known_leaky: tuple[int, list[logging.Logger]] = (0, [])


def _leaky_loggers(count: int, known: Iterable[str]) -> list[logging.Logger]:
    """Return the loggers that log secrets; searched again when the number of loggers has changed."""
    global _known_leaky  # noqa: PLW0603 (loggers are global as well)
    if _known_leaky[0] != count:
        names = [name for name in list(known) if name.partition(".")[0] in _LEAKY_PACKAGES]
        _known_leaky = (count, [logging.getLogger(name) for name in names])
    return _known_leaky[1]


class _CutQueries(logging.Filter):
    """Cuts off the query of each argument of a log record that looks like a URL or a path; or all of a secret path."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(_cut(arg) if isinstance(arg, str) and "/" in arg else arg for arg in record.args)
        return True


def _cut(url: str) -> str:
    if _PATHS_ARE_SECRET.get() and (url.startswith("/") or "://" in url):
        return MASK
    return url.partition("?")[0]


def texts_in(value: Any) -> list[Any]:
    """Return all texts in a JSON value, at any depth, without the names of fields."""
    found, pending = [], [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            found.append(item)
        elif isinstance(item, dict | list):
            pending += item.values() if isinstance(item, dict) else item
    return found

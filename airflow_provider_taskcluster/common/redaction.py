"""Redaction of secrets in URLs and in the logs of libraries."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

_LEAKY_PACKAGES = {"taskcluster", "mohawk"}


def public_url(url: str) -> str:
    """Return the URL without its query, which may hold a signature, and without a login."""
    try:
        parts = urlsplit(url)
    except ValueError:  # raised for an invalid host
        return url.partition("?")[0].partition("#")[0].rpartition("@")[2]
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


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
    """Cuts off the query of each argument of a log record that looks like a URL or a path."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                arg.partition("?")[0] if isinstance(arg, str) and "/" in arg else arg for arg in record.args
            )
        return True

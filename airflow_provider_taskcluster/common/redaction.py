"""What is cut out of texts and logs, so that nothing secret is printed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

_TELLTALES = {"taskcluster", "mohawk"}


def public_url(url: str) -> str:
    """Return the URL without its query, where signatures are, and without a login."""
    try:
        parts = urlsplit(url)
    except ValueError:  # a host that cannot be one
        return url.partition("?")[0].partition("#")[0].rpartition("@")[2]
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def quiet_libraries() -> None:
    """Keep secrets out of the debug logs of the libraries below us.

    The ``taskcluster`` package logs signed headers and whole answers, credentials among them, mohawk logs signed
    headers with the certificate in them, and urllib3 logs URLs with their signatures. Called before each request,
    since this shall hold whatever log level the user sets, on whichever of their loggers.
    """
    known = logging.root.manager.loggerDict
    for logger in _telltales(len(known), known):
        if logger.isEnabledFor(logging.INFO - 1):
            logger.setLevel(logging.INFO)
    pool = logging.getLogger("urllib3.connectionpool")
    if not any(isinstance(present, _CutQueries) for present in pool.filters):
        pool.addFilter(_CutQueries())


_found: tuple[int, list[logging.Logger]] = (0, [])


def _telltales(count: int, known: Iterable[str]) -> list[logging.Logger]:
    """Return the loggers that tell secrets; looked for anew when there are more loggers than before."""
    global _found  # noqa: PLW0603 (loggers are global as well)
    if _found[0] != count:
        names = [name for name in list(known) if name.partition(".")[0] in _TELLTALES]
        _found = (count, [logging.getLogger(name) for name in names])
    return _found[1]


class _CutQueries(logging.Filter):
    """Cuts the query off all that looks like a URL or path among a record's arguments."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                arg.partition("?")[0] if isinstance(arg, str) and "/" in arg else arg for arg in record.args
            )
        return True

"""What is cut out of texts and logs, so that nothing secret is printed."""

from __future__ import annotations

import logging
from urllib.parse import urlsplit, urlunsplit

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
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in _TELLTALES and logging.getLogger(name).getEffectiveLevel() < logging.INFO:
            logging.getLogger(name).setLevel(logging.INFO)
    pool = logging.getLogger("urllib3.connectionpool")
    if not any(isinstance(present, _CutQueries) for present in pool.filters):
        pool.addFilter(_CutQueries())


class _CutQueries(logging.Filter):
    """Cuts the query off all that looks like a URL or path among a record's arguments."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                arg.partition("?")[0] if isinstance(arg, str) and "/" in arg else arg for arg in record.args
            )
        return True

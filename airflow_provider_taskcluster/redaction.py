"""What is cut out of texts and logs, so that nothing secret is printed."""

from __future__ import annotations

import logging
from urllib.parse import urlsplit, urlunsplit


def public_url(url: str) -> str:
    """Return the URL without its query, where signatures are, and without a login."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def quiet_libraries() -> None:
    """Keep secrets out of the debug logs of the libraries below us.

    The ``taskcluster`` package logs signed headers and whole answers, credentials among them, and urllib3 logs
    URLs with their signatures. This holds whatever log level the user sets.
    """
    logging.getLogger("taskcluster").setLevel(logging.INFO)
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

"""Log of all requests to the API and the store, kept in memory for tests."""

from __future__ import annotations

import logging
import re
import time
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

_TRIGGER_TOKEN = re.compile(r"(/hooks/v1/hooks/[^/]+/[^/]+/trigger/)[^/]+")
_CLIENT_ID = re.compile(r'\bid="([^"]*)"')
KEPT_HEADERS = {
    *(b"range", b"if-range", b"if-match", b"if-none-match"),
    *(b"content-type", b"content-length", b"content-encoding", b"content-disposition", b"transfer-encoding"),
    *(b"accept-encoding", b"user-agent", b"expect", b"connection"),
}


@dataclass
class Entry:
    """One request and its response. ``status`` is None until a response begins, and stays None after a reset.

    ``path`` is raw, still percent-encoded, without the query, which may hold signatures, and with ``***`` in place of
    the token of a hook. ``headers`` are
    the request headers in ``KEPT_HEADERS``, names in lower case. ``client_id`` is the client id that the request
    claims, None for an unsigned one. ``received`` and ``sent`` count bytes of the bodies. ``time`` and ``seconds``
    are read from the machine's monotonic clock, to measure the time between requests.
    """

    origin: str
    method: str
    path: str
    headers: dict[str, str]
    time: float
    connection: tuple[str, int] | None = None
    client_id: str | None = None
    status: int | None = None
    received: int = 0
    sent: int = 0
    seconds: float | None = None


class Journal:
    """Log of requests, oldest first; only the last ``limit`` are kept."""

    def __init__(self, limit: int = 100_000) -> None:
        self._entries: deque[Entry] = deque(maxlen=limit)

    def __iter__(self) -> Iterator[Entry]:
        return iter(list(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def entries(self, *, origin: str | None = None, method: str | None = None, path: str = "") -> list[Entry]:
        """Return the entries of one origin ("api" or "store"), of one method, whose path contains ``path``."""
        return [
            entry
            for entry in self
            if origin in (None, entry.origin) and method in (None, entry.method) and path in entry.path
        ]

    def add(self, entry: Entry) -> None:
        """Add an entry, which is filled in while the request is served."""
        self._entries.append(entry)

    def clear(self) -> None:
        """Remove all entries."""
        self._entries.clear()

    @contextmanager
    def recording(self) -> Iterator[Journal]:
        """Give a journal of the requests made during a ``with`` block, complete when the block ends."""
        recorded = Journal()
        last = self._entries[-1] if self._entries else None
        yield recorded
        entries = list(self)
        start = next((i + 1 for i, entry in enumerate(entries) if entry is last), 0)
        recorded._entries.extend(entries[start:])


class Journaling:
    """ASGI middleware that enters each request into the journal before it is served."""

    def __init__(self, app: ASGIApp, journal: Journal, origin: str) -> None:
        self.app = app
        self.journal = journal
        self.origin = origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        entry = self._begin(scope)
        self.journal.add(entry)

        async def counted_receive() -> Message:
            message = await receive()
            entry.received += len(message.get("body", b""))
            return message

        async def counted_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry.status = message["status"]
            entry.sent += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, counted_receive, counted_send)
        finally:
            entry.seconds = time.monotonic() - entry.time
            log.info("%s %s %s %s", entry.origin, entry.method, entry.path, entry.status)

    def _begin(self, scope: Scope) -> Entry:
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"] if k in KEPT_HEADERS}
        path = _TRIGGER_TOKEN.sub(r"\1***", scope["raw_path"].decode("latin-1"))
        client = scope.get("client")
        return Entry(
            self.origin,
            scope["method"],
            path,
            headers,
            time.monotonic(),
            connection=(client[0], client[1]) if client else None,
            client_id=_client_id(scope),
        )


def _client_id(scope: Scope) -> str | None:
    """Return the client id in a Hawk header, and nothing else of it, which may be secret."""
    hawk = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization"), "")
    match = _CLIENT_ID.search(hawk)
    return match[1] if match else None

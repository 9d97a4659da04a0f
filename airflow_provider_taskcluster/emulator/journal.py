"""What the emulator was asked: one entry for each request, seen by API and store alike."""

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

_CLIENT_ID = re.compile(r'\bid="([^"]*)"')
KEPT_HEADERS = {
    *(b"range", b"if-range", b"if-match", b"if-none-match"),
    *(b"content-type", b"content-length", b"content-encoding", b"content-disposition", b"transfer-encoding"),
    *(b"accept-encoding", b"user-agent", b"expect", b"connection"),
}


@dataclass
class Entry:
    """One request and what came of it. ``status`` is None until an answer began, and stays so after a reset.

    ``path`` is raw, still percent-encoded, without the query, which may hold signatures. ``headers`` are
    those of the request that tests ask about, in lower case. ``client_id`` is who the request says to be, None for
    nobody. ``received`` and ``sent`` count bytes of the bodies. ``time`` and ``seconds`` are of the machine's
    monotonic clock: to measure waits between requests.
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
    """The entries, oldest first; only the last ``limit`` are kept."""

    def __init__(self, limit: int = 100_000) -> None:
        self._entries: deque[Entry] = deque(maxlen=limit)

    def __iter__(self) -> Iterator[Entry]:
        return iter(list(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def entries(self, *, origin: str | None = None, method: str | None = None, path: str = "") -> list[Entry]:
        """Those of one origin ("api" or "store"), of one method, with ``path`` somewhere in their path."""
        return [
            entry
            for entry in self
            if origin in (None, entry.origin) and method in (None, entry.method) and path in entry.path
        ]

    def add(self, entry: Entry) -> None:
        """Write an entry down; it is filled in while the request is served."""
        self._entries.append(entry)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()

    @contextmanager
    def recording(self) -> Iterator[Journal]:
        """A journal of what comes in during a ``with`` block only, complete when the block is left."""
        seen = Journal()
        last = self._entries[-1] if self._entries else None
        yield seen
        entries = list(self)
        start = next((i + 1 for i, entry in enumerate(entries) if entry is last), 0)
        seen._entries.extend(entries[start:])


class Journaling:
    """ASGI middleware: each request is in the journal before it is served, so that no answer is ahead."""

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
        path = scope["raw_path"].decode("latin-1")
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
    """The client id of a Hawk header; the rest of it is nobody's business."""
    hawk = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization"), "")
    found = _CLIENT_ID.search(hawk)
    return found[1] if found else None

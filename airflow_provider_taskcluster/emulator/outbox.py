"""Outbox of the notify service: the notifications that it sent, kept in memory for tests."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Notification:
    """One notification that was sent.

    ``kind`` is "email", "pulse", "matrix-room" or "slack-channel"; ``address`` is an e-mail address, a routing key, a
    room or a channel. ``text`` is the content of an e-mail, or the text for a room or channel; e-mails have a
    ``subject``, too, and may have a ``link`` with ``text`` and ``href``. ``message`` is the message on Pulse.
    ``details`` are the other fields of the request, such as ``replyTo`` or ``blocks``. ``time`` is in milliseconds
    since 1970, by the emulator's clock.
    """

    kind: str
    address: str
    time: int
    subject: str | None = None
    text: str | None = None
    link: dict[str, str] | None = None
    message: dict[str, Any] | None = None
    details: dict[str, Any] = field(default_factory=dict)


class Outbox:
    """Notifications, oldest first.

    :param path: A file to which each notification is appended as a line of JSON, or None.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self._path = Path(path) if path else None
        self._sent: list[Notification] = []

    def __iter__(self) -> Iterator[Notification]:
        return iter(list(self._sent))

    def __len__(self) -> int:
        return len(self._sent)

    def entries(self, *, kind: str | None = None, address: str | None = None) -> list[Notification]:
        """Return the notifications of one kind, to one address."""
        return [sent for sent in self if kind in (None, sent.kind) and address in (None, sent.address)]

    def add(self, notification: Notification) -> None:
        """Add a notification."""
        self._sent.append(notification)
        if self._path:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(dataclasses.asdict(notification)) + "\n")

    def clear(self) -> None:
        """Remove all notifications; the file keeps its lines."""
        self._sent.clear()

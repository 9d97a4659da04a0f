"""What workers and an emulator send each other: slowed down by a gate, and counted by the names of objects."""

from __future__ import annotations

import asyncio
from urllib.parse import unquote

from airflow_provider_taskcluster.emulator.store.blobs import Blobs

PIECE = 64 * 1024
HELD_SECONDS = 3  # silence that no client takes for the end of a connection


class Gate:
    """While it is closed, the store hardly takes or gives anything of a body, so that transfers stay in the middle.

    It is the fault of each request to the store.
    """

    def __init__(self, part_size):
        self.closed = False
        self._part_size = part_size
        self._free_parts = 0

    def close(self, free_parts=0):
        """Hold all bodies from now on, except those of the first ``free_parts`` parts."""
        self._free_parts = free_parts
        self.closed = True

    def open(self):
        self.closed = False

    async def answer(self, exchange):
        if self._is_free(exchange.scope):
            await exchange.store_answers(exchange.send)
            return

        async def receive():
            await self._hold()
            return await exchange.receive()

        async def send(message):
            body = message.get("body", b"")
            if not self.closed or not body:
                await exchange.send(message)
                return
            pieces = [body[start : start + PIECE] for start in range(0, len(body), PIECE)]
            for piece in pieces[:-1]:
                await exchange.send({**message, "body": piece, "more_body": True})
                await self._hold()
            await exchange.send({**message, "body": pieces[-1]})

        await exchange.app(exchange.scope, receive, send)

    def _is_free(self, scope):
        length = dict(scope["headers"]).get(b"content-length", b"")
        if self.closed and self._free_parts and length == str(self._part_size).encode():
            self._free_parts -= 1
            return True
        return False

    async def _hold(self):
        """Wait, until the gate opens at the most."""
        for _ in range(HELD_SECONDS * 10):
            if not self.closed:
                break
            await asyncio.sleep(0.1)


class Traffic:
    """What the journal of an emulator says of objects."""

    def __init__(self, tc):
        self._journal = tc.journal
        self._sent_at_loss = {}

    def parts(self, name):
        """The names of the parts of an object that were asked for."""
        calls = self._journal.entries(origin="api", method="PUT", path="/upload/")
        return {each for call in calls if (each := _name(call)).startswith(f"{name}.part-")}

    def requests(self, names, method):
        """Requests to the store that move the bodies of these objects."""
        paths = {Blobs.path("objects", name) for name in names}
        return [entry for entry in self._journal.entries(origin="store", method=method) if entry.path in paths]

    def under_way(self, names, method):
        """Whether there is a body of which some has been moved, and not all."""
        requests = self.requests(names, method)
        return any(entry.seconds is None and (entry.received or entry.sent) for entry in requests)

    def received(self, names):
        return sum(entry.received for entry in self.requests(names, "PUT"))

    def sent(self, names):
        """The store writes on to clients that were lost: of what it was sending then, only that counts."""
        return sum(self._sent_at_loss.get(id(entry), entry.sent) for entry in self.requests(names, "GET"))

    def note_loss(self):
        """Clients are about to be lost."""
        self._sent_at_loss = {id(entry): entry.sent for entry in self._journal if entry.seconds is None}


def _name(entry):
    return unquote(entry.path.rpartition("/api/object/v1/")[2]).partition("/")[2]

"""Faults of calls that are made twice at the same moment, as by two workers; for the API."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .replies import Status

if TYPE_CHECKING:
    from starlette.types import Message

    from .script import Exchange


@dataclass(frozen=True)
class Overtaken:
    """An identical call is served in place of this one, which is refused.

    The real services do so now and then: of two first createUploads, one may get ``409 RequestConflict``; of two
    finishUploads, one may get ``500 InternalServerError``.
    """

    status: int
    code: str
    message: str = "Scripted"

    async def answer(self, exchange: Exchange) -> None:
        """Have the call served, keep the answer, and refuse."""

        async def keep(_: Message) -> None:
            pass

        await exchange.store_answers(keep)
        body = json.dumps({"code": self.code, "message": self.message, "requestInfo": {}}).encode()
        await Status(self.status, {"content-type": "application/json"}, body).answer(exchange)

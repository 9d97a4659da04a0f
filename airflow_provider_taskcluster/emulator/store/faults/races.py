"""Faults of API calls that two workers make at the same time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .replies import SCRIPTED, scripted_error

if TYPE_CHECKING:
    from starlette.types import Message

    from .script import Exchange


@dataclass(frozen=True)
class Overtaken:
    """An error for a call that took effect, as if an identical call had been faster.

    The real services do so occasionally: of two simultaneous first createUploads, one may get ``409
    RequestConflict``; of two finishUploads, one may get ``500 InternalServerError``.
    """

    status: int
    code: str
    message: str = SCRIPTED

    async def answer(self, exchange: Exchange) -> None:
        """Let the call take effect, drop its response, and send the error."""

        async def drop(_: Message) -> None:
            pass

        await exchange.store_answers(drop)
        await scripted_error(self.status, self.code, self.message).answer(exchange)

"""Calls of the notify service (``notify/v1/api.json``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.services.readers import SchemaMismatch
from airflow_provider_taskcluster.services.service_calls import ServiceCalls

if TYPE_CHECKING:
    from collections.abc import Mapping


class Notify(ServiceCalls):
    """Calls of the notify service through one client."""

    async def send(self, method: str, message: Mapping[str, Any]) -> bool:
        """Send a message; tell whether it was sent.

        The service does not send (204) what repeats one of its last messages, what exceeds the rate of the address,
        and what it is not set up for.

        :param method: ``email``, ``pulse``, ``matrix`` or ``slack``.
        :raises ServiceError: With the code ``DenylistedAddress``: the address is on the deployment's denylist.
        """
        sent: bool = await self.client.call("notify", method, payload=message, read=_was_sent, plain=True)
        return sent


def _was_sent(answer: Any) -> bool:
    """Read "OK", or nothing for a message that was not sent."""
    if answer is None:
        return False
    if answer == "OK" or isinstance(answer, dict):
        return True
    raise SchemaMismatch("not the text OK")

"""Sending of notifications into the outbox, unless they are repeated, denied or too many."""

from __future__ import annotations

import json
from collections import deque
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.emulator.clock import MINUTE
from airflow_provider_taskcluster.emulator.errors import InternalServerError
from airflow_provider_taskcluster.emulator.outbox import Notification

if TYPE_CHECKING:
    from airflow_provider_taskcluster.emulator.context import Context
    from airflow_provider_taskcluster.emulator.schemas.notify import PostMatrix, PostSlack, PublishPulse, SendEmail

# Number of sent messages that the process remembers.
REMEMBERED = 1000
MOST_EMAILS = 50
PER = 10 * MINUTE
LONGEST_ROUTING_KEY = 100


class Notifier:
    """Sends notifications; each method returns whether it did.

    A message is not sent again while it is among the last 1,000, and an address gets at most 50 e-mails in 10 minutes.
    Both are forgotten when the process ends, as by the real service.
    """

    def __init__(self, context: Context) -> None:
        self._database = context.database
        self._clock = context.clock
        self._outbox = context.outbox
        self._kinds = context.settings.notifications
        self._sent: deque[str] = deque(maxlen=REMEMBERED)
        self._emails: dict[str, deque[int]] = {}

    def is_denied(self, kind: str, address: str) -> bool:
        """Whether an address is on the denylist."""
        sql = "SELECT 1 FROM denylist WHERE kind = ? AND address = ?"
        return self._database.one(sql, kind, address) is not None

    def email(self, request: SendEmail) -> bool:
        """Send an e-mail; False also when the address has had too many."""
        details = request.model_dump(exclude_none=True, exclude={"address", "subject", "content", "link"})
        link = request.link.model_dump() if request.link else None
        identity = [request.address, request.subject, request.content, link, request.replyTo]
        times = self._emails.setdefault(request.address, deque(maxlen=MOST_EMAILS))
        if len(times) == MOST_EMAILS and times[0] > self._clock.now() - PER:
            return False
        content = {"subject": request.subject, "text": request.content, "link": link, "details": details}
        sent = self._send("email", request.address, identity, content)
        if sent:
            times.append(self._clock.now())
        return sent

    def pulse(self, request: PublishPulse) -> bool:
        """Publish a message on Pulse; InternalServerError for a routing key over 100 characters."""
        key = request.routingKey
        if len(key) > LONGEST_ROUTING_KEY:
            raise InternalServerError("routing key is too long")
        published = {
            "exchange": "exchange/taskcluster-notify/v1/notification",
            "routingKey": f"primary.{key}",
            "CC": [f"route.{key}"],
        }
        content = {"message": {"message": request.message, "version": 1}, "details": published}
        return self._send("pulse", key, [key, request.message], content)

    def matrix(self, request: PostMatrix) -> bool:
        """Post a message in a room of Matrix."""
        details = request.model_dump(exclude_none=True, exclude={"roomId", "body"})
        identity = [request.roomId, request.format, request.formattedBody, request.body, request.msgtype]
        return self._send("matrix-room", request.roomId, identity, {"text": request.body, "details": details})

    def slack(self, request: PostSlack) -> bool:
        """Post a message in a channel of Slack; one with the same text and other blocks is a repetition."""
        if "slack-channel" not in self._kinds:
            return False
        details = request.model_dump(exclude={"channelId", "text"})
        identity = ["slack-channel", request.channelId, request.text]
        return self._send("slack-channel", request.channelId, identity, {"text": request.text, "details": details})

    def _send(self, kind: str, address: str, identity: list[Any], content: dict[str, Any]) -> bool:
        """Send a message unless it was sent before or its address is denied; ``identity`` is what tells it apart."""
        key = json.dumps(identity)
        if key in self._sent or self.is_denied(kind, address):
            return False
        if kind not in self._kinds:
            raise InternalServerError(f"{kind} is not set up")
        self._outbox.add(Notification(kind, address, self._clock.now(), **content))
        self._sent.append(key)
        return True

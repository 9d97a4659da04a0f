"""The calls of the hook that send notifications, written once, as coroutines."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.services.notify import Notify
from airflow_provider_taskcluster.services.task_definitions import check_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_taskcluster.services.client import Client

log = logging.getLogger(__name__)

# Characters of a routing key: the schema allows 255, but the service fails (500) beyond 100.
LONGEST_ROUTING_KEY = 100
LONGEST_SUBJECT = 255
LONGEST_EMAIL = 102_400
# Characters of the text and of the URL of a link.
LONGEST_LINK = (40, 1024)
NOT_SENT = "not sent again (a repeated message, or the rate is over)"


class NotifyCalls:
    """Calls of the notify service through one client.

    Each returns whether the message was sent. The service does not send one that repeats one of its last messages or
    exceeds the rate of an address (50 e-mails in 10 minutes), which the log says. For an address on the denylist of the
    deployment, the error is a ``ServiceError`` with the ``code`` ``DenylistedAddress``.
    """

    client: Client

    async def notify_email(
        self,
        address: str,
        subject: str,
        text: str,
        *,
        link: Mapping[str, str] | None = None,
        reply_to: str | None = None,
        template: str | None = None,
    ) -> bool:
        """Send an e-mail; return whether it was sent. Scope ``notify:email:<address>``.

        :param subject: 1 to 255 characters.
        :param text: Markdown, at most 100 KiB.
        :param link: ``text`` (1 to 40 characters) and ``href`` of a button.
        :param reply_to: Address for answers.
        :param template: ``simple`` or ``fullscreen``.
        """
        _check("subject", subject, LONGEST_SUBJECT)
        _check("text", text, LONGEST_EMAIL)
        message = {"subject": subject, "content": text, "link": _link(link), "replyTo": reply_to, "template": template}
        return await self._send("email", "address", address, message)

    async def notify_matrix(
        self, room_id: str, text: str, *, formatted_body: str | None = None, msgtype: str | None = None
    ) -> bool:
        """Post a message in a Matrix room; return whether it was sent. Scope ``notify:matrix-room:<roomId>``.

        :param room_id: Id of the room, such as ``!abc:mozilla.org``.
        :param formatted_body: The same text as HTML.
        :param msgtype: ``m.notice`` (the default of the service), ``m.text`` or ``m.emote``.
        """
        _check("text", text)
        html = {"format": "org.matrix.custom.html", "formattedBody": formatted_body} if formatted_body else {}
        return await self._send("matrix", "roomId", room_id, {"body": text, "msgtype": msgtype, **html})

    async def notify_slack(self, channel_id: str, text: str, *, blocks: Sequence[Any] | None = None) -> bool:
        """Post a message in a Slack channel; return whether it was sent. Scope ``notify:slack-channel:<channelId>``.

        :param channel_id: Id of the channel, such as ``C0123456789``.
        :param blocks: Slack's blocks, which are shown in place of the text.
        """
        _check("text", text)
        return await self._send("slack", "channelId", channel_id, {"text": text, "blocks": blocks})

    async def notify_pulse(self, routing_key: str, message: Mapping[str, Any]) -> bool:
        """Publish a message on Pulse; return whether it was sent. Scope ``notify:pulse:<routingKey>``.

        It goes out as ``{"message": message, "version": 1}`` under ``primary.<routingKey>`` and ``route.<routingKey>``.

        :param routing_key: At most 100 characters.
        :param message: A JSON object.
        """
        _check("routing_key", routing_key, LONGEST_ROUTING_KEY)
        if not isinstance(message, dict):
            raise InvalidInput("message is no object: pass a dict")
        return await self._send("pulse", "routingKey", routing_key, {"message": message})

    async def _send(self, method: str, field: str, address: str, message: Mapping[str, Any]) -> bool:
        _check(field, address)
        fields = {field: address, **{name: value for name, value in message.items() if value is not None}}
        check_json(fields, "the message")
        sent = await Notify(self.client).send(method, fields)
        if not sent:
            log.warning("The notification by %r to %r was %s", method, address, NOT_SENT)
        return sent


def _check(argument: str, value: Any, longest: int | None = None) -> None:
    """Check a text.

    :raises InvalidInput: It is empty, too long, or no text.
    """
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput(f"{argument} is {repr(value)[:100]}: pass a text that is not empty")
    if longest is not None and len(value) > longest:
        raise InvalidInput(f"{argument} has {len(value)} characters: pass at most {longest}")


def _link(link: Mapping[str, str] | None) -> dict[str, str] | None:
    if link is None:
        return None
    if set(link) != {"text", "href"}:
        raise InvalidInput("link has other fields than text and href: pass these two")
    for name, longest in zip(("text", "href"), LONGEST_LINK, strict=True):
        _check(f"the {name} of link", link[name], longest)
    return {"text": link["text"], "href": link["href"]}

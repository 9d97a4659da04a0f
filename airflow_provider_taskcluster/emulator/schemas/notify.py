"""Requests to the notify service."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from .fields import Email, Request, Uri


class Link(Request):
    """Link of an e-mail, shown as a button."""

    text: Annotated[str, Field(min_length=1, max_length=40)]
    href: Annotated[Uri, Field(min_length=1, max_length=1024)]


class SendEmail(Request):
    """Body of email."""

    address: Email
    subject: Annotated[str, Field(min_length=1, max_length=255)]
    content: Annotated[str, Field(min_length=1, max_length=102400)]
    link: Link | None = None
    replyTo: Email | None = None
    template: Literal["simple", "fullscreen"] = "simple"


class PublishPulse(Request):
    """Body of pulse."""

    routingKey: Annotated[str, Field(max_length=255)]
    message: dict[str, Any]


class PostMatrix(Request):
    """Body of matrix."""

    roomId: str
    body: str
    format: str | None = None
    formattedBody: str | None = None
    msgtype: Literal["m.notice", "m.text", "m.emote"] = "m.notice"


class PostSlack(Request):
    """Body of slack."""

    channelId: str
    text: str
    blocks: list[Any] = []
    attachments: list[Any] = []
    unfurlLinks: bool = False
    unfurlMedia: bool = False


class NotificationAddress(Request):
    """Body of addDenylistAddress and deleteDenylistAddress."""

    notificationType: Literal["email", "pulse", "matrix-room", "slack-channel"]
    notificationAddress: str

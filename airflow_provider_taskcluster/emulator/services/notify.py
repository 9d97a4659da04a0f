"""The notify service: e-mails, messages on Pulse, in Matrix and in Slack, and the denylist of addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.emulator.errors import DenylistedAddress

from .paging import offset_page
from .replies import Text

if TYPE_CHECKING:
    from airflow_provider_taskcluster.emulator.auth.caller import Caller
    from airflow_provider_taskcluster.emulator.context import Context
    from airflow_provider_taskcluster.emulator.database import Row
    from airflow_provider_taskcluster.emulator.schemas.notify import (
        NotificationAddress,
        PostMatrix,
        PostSlack,
        PublishPulse,
        SendEmail,
    )

    from .notifier import Notifier

OK = Text("OK")


class NotifyService:
    """Sends notifications for callers: "OK", or nothing (204) for what was not sent."""

    def __init__(self, context: Context, notifier: Notifier) -> None:
        self._database = context.database
        self._notifier = notifier

    def email(self, caller: Caller, request: SendEmail) -> Text | None:
        """Send an e-mail."""
        self._check(caller, "email", request.address, "Email")
        return OK if self._notifier.email(request) else None

    def pulse(self, caller: Caller, request: PublishPulse) -> Text | None:
        """Publish a message on Pulse."""
        self._check(caller, "pulse", request.routingKey, "Pulse routing key pattern")
        return OK if self._notifier.pulse(request) else None

    def matrix(self, caller: Caller, request: PostMatrix) -> Text | None:
        """Post a message in a room of Matrix."""
        self._check(caller, "matrix-room", request.roomId, "Matrix room")
        return OK if self._notifier.matrix(request) else None

    def slack(self, caller: Caller, request: PostSlack) -> Text | None:
        """Post a message in a channel of Slack."""
        self._check(caller, "slack-channel", request.channelId, "Slack channel")
        return OK if self._notifier.slack(request) else None

    def add_denylist_address(self, _: Caller, request: NotificationAddress) -> Text:
        """Put an address on the denylist, if it is not there."""
        sql = "INSERT OR IGNORE INTO denylist VALUES (?, ?)"
        self._database.execute(sql, request.notificationType, request.notificationAddress)
        return OK

    def delete_denylist_address(self, _: Caller, request: NotificationAddress) -> Text:
        """Take an address off the denylist, if it is there."""
        sql = "DELETE FROM denylist WHERE kind = ? AND address = ?"
        self._database.execute(sql, request.notificationType, request.notificationAddress)
        return OK

    def list_denylist(
        self, _: Caller, continuation_token: str | None = None, limit: int | None = None
    ) -> dict[str, Any]:
        """List the denylist, in pages by offset."""

        def fetch(offset: int, count: int) -> list[Row]:
            return self._database.all("SELECT * FROM denylist ORDER BY kind, address LIMIT ? OFFSET ?", count, offset)

        rows, token = offset_page(fetch, token=continuation_token, limit=limit)
        addresses = [{"notificationType": row["kind"], "notificationAddress": row["address"]} for row in rows]
        return {"addresses": addresses, **({"continuationToken": token} if token else {})}

    def _check(self, caller: Caller, kind: str, address: str, title: str) -> None:
        caller.require(f"notify:{kind}:{address}")
        if self._notifier.is_denied(kind, address):
            raise DenylistedAddress(f"{title} {address} is denylisted")

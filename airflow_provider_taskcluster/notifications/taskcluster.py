"""``TaskclusterNotifier``: sends e-mails, and messages to Slack, Matrix and Pulse, from Airflow's callbacks."""

from __future__ import annotations

import copy
import logging
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.notifier import BaseNotifier

from airflow_provider_taskcluster.common.messages import exception_summary, visible
from airflow_provider_taskcluster.connection.fields import DEFAULT_CONN_ID
from airflow_provider_taskcluster.exceptions import InvalidInput, TaskclusterError
from airflow_provider_taskcluster.notifications.outgoing import outgoing_messages

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_taskcluster.notifications.outgoing import OutgoingMessage

log = logging.getLogger(__name__)

# Retries of one message: a callback of a DAG runs in the DAG processor, where it may take less than a minute.
RETRIES = 3


class TaskclusterNotifier(BaseNotifier):
    """Sends a notification to one or several addresses, through Taskcluster's notify service.

    ::

        on_failure_callback=TaskclusterNotifier(
            slack="C0123456789", email=["a@example.com"], text="{{ ti.task_id }} failed", link="{{ ti.log_url }}"
        )

    As a callback of a deadline, in the triggerer: ``AsyncCallback(TaskclusterNotifier, kwargs={...})``.

    An address that fails does not stop the others. The log has the errors, and what the service did not send because it
    is a repetition. The task does not fail by it. All arguments are templated. Scopes ``notify:email:<address>``,
    ``notify:slack-channel:<channelId>``, ``notify:matrix-room:<roomId>``, ``notify:pulse:<routingKey>``.

    :param text: The message; Markdown in e-mails.
    :param subject: Subject of e-mails; the first line of the text by default.
    :param link: URL that the message leads to; e-mails have it as a button.
    :param email: E-mail address, or a list of them. As in all of these, a template may write the list as text.
    :param slack: Id of a Slack channel, or a list.
    :param matrix: Id of a Matrix room, or a list.
    :param pulse: Routing key on Pulse, or a list; at most 100 characters each.
    :param message: What is published on Pulse, a dict; ``{"text": text}``, with subject and link, by default.
    :param taskcluster_conn_id: Id of the connection.
    :param context: Context of Airflow, which passes it for deadlines.
    :raises InvalidInput: There is no address.
    """

    template_fields: Sequence[str] = (
        *("text", "subject", "link", "email", "slack", "matrix", "pulse", "message"),
        "taskcluster_conn_id",
    )

    def __init__(
        self,
        *,
        text: str,
        subject: str | None = None,
        link: str | None = None,
        email: str | Sequence[str] | None = None,
        slack: str | Sequence[str] | None = None,
        matrix: str | Sequence[str] | None = None,
        pulse: str | Sequence[str] | None = None,
        message: Mapping[str, Any] | None = None,
        taskcluster_conn_id: str = DEFAULT_CONN_ID,
        context: Context | None = None,
    ) -> None:
        super().__init__()
        if not (email or slack or matrix or pulse):
            raise InvalidInput("TaskclusterNotifier has no address: pass email, slack, matrix or pulse")
        self.text = text
        self.subject = subject
        self.link = link
        self.email = email
        self.slack = slack
        self.matrix = matrix
        self.pulse = pulse
        self.message = message
        self.taskcluster_conn_id = taskcluster_conn_id
        self.context: Any = context or {}

    def __call__(self, *args: Any) -> None:
        """Send the notification; a failure is logged, and not raised.

        :param args: The context, which Airflow passes.
        """
        once = copy.copy(self)  # rendering replaces the templates, and a DAG may call its notifier again
        try:
            super(TaskclusterNotifier, once).__call__(*args)
        except Exception as error:  # noqa: BLE001 (of any kind, from templates; no task is to fail by it)
            log.error("No notification was sent: %s", exception_summary(error))

    def render_template_fields(self, context: Context, jinja_env: Any = None) -> None:
        """Render as Airflow does; all but the text counts as left out if it renders to nothing or to None.

        Airflow 2 keeps the template of what renders to nothing.
        """
        optional = {name: getattr(self, name) for name in self.template_fields if name != "text"}
        super().render_template_fields(context, jinja_env)
        for name, template in optional.items():
            value = getattr(self, name)
            if isinstance(value, str) and (value.strip() == "None" or (value == template and "{{" in value)):
                setattr(self, name, None)

    def notify(self, context: Context) -> None:  # noqa: ARG002 (it was rendered)
        """Send to each address; failures are logged."""
        try:
            self._send()
        except TaskclusterError as error:
            log.error("No notification was sent: %s", visible(error))

    def _send(self) -> None:
        from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook

        hook = TaskclusterHook(self.taskcluster_conn_id, max_retries=RETRIES)
        try:
            for message in self._messages():
                try:
                    getattr(hook, message.method)(*message.arguments, **message.options)
                except TaskclusterError as error:
                    _report(message, error)
        finally:
            hook.close()

    async def async_notify(self, context: Context) -> None:  # noqa: ARG002 (it was rendered)
        """Send to each address, in the triggerer.

        :raises TaskclusterError: What the first address failed by, after all were tried: Airflow marks the callback.
        """
        from airflow_provider_taskcluster.hooks.asynchronous import TaskclusterAsyncHook

        failed: TaskclusterError | None = None
        async with await TaskclusterAsyncHook.open(self.taskcluster_conn_id, max_retries=RETRIES) as hook:
            for message in self._messages():
                try:
                    await getattr(hook, message.method)(*message.arguments, **message.options)
                except TaskclusterError as error:
                    _report(message, error)
                    failed = failed or error
        if failed is not None:
            raise failed

    def _messages(self) -> list[OutgoingMessage]:
        addresses = {"email": self.email, "slack": self.slack, "matrix": self.matrix, "pulse": self.pulse}
        return outgoing_messages(addresses, text=self.text, subject=self.subject, link=self.link, message=self.message)


def _report(message: OutgoingMessage, error: TaskclusterError) -> None:
    log.error("%r to %r was not sent: %s", message.method, message.arguments[0], visible(error))

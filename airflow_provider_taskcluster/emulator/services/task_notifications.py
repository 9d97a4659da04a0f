"""Notifications that tasks ask for by their routes ``notify.<kind>.<address>.on-<event>``."""

from __future__ import annotations

import copy
import logging
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from airflow_provider_taskcluster.emulator.errors import ApiError
from airflow_provider_taskcluster.emulator.schemas.notify import PostMatrix, PostSlack, PublishPulse, SendEmail

from .templates import TemplateError, render

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_taskcluster.emulator.context import Context

    from .lifecycle import Task
    from .notifier import Notifier
    from .tasks import TaskService

log = logging.getLogger(__name__)

PREFIX = "notify"
RESOLVED = ("completed", "failed", "exception")
# Reasons of an exception that nobody is notified of, as the service is set up.
PASSED_OVER = ("canceled", "deadline-exceeded")


class TaskNotifications:
    """Sends what the routes of a task ask for when its state changes; what cannot be sent is only logged."""

    def __init__(self, context: Context, tasks: TaskService, notifier: Notifier) -> None:
        self._root_url = context.root_url
        self._tasks = tasks
        self._notifier = notifier
        self._senders: dict[str, Callable[[str, dict[str, Any]], bool]] = {
            "email": self._email,
            "pulse": self._pulse,
            "matrix-room": self._matrix,
            "slack-channel": self._slack,
        }
        tasks.when_changed.append(self.notify)

    def notify(self, event: str, task: Task) -> None:
        """Send the notifications about an event: "defined", or the state that a run got.

        A task that is retried has the state ``pending`` already when the exception of its run is announced.
        """
        definition = self._tasks.definition(task.task_id)
        routes = [route.split(".") for route in definition["routes"] if route.startswith(f"{PREFIX}.")]
        if not any(_hears(route[-1], event) for route in routes) or _is_passed_over(task):
            return
        status = copy.deepcopy(task.status)  # the one at hand goes on changing
        context = {"task": definition, "status": status, "taskId": task.task_id, "rootUrl": self._root_url}
        for _, kind, *address, on in (route for route in routes if len(route) > 3):  # noqa: PLR2004 - all four parts
            if kind in self._senders and _concerns(on, task.state):
                self._send(kind, ".".join(address), context)

    def _send(self, kind: str, address: str, context: dict[str, Any]) -> None:
        try:
            self._senders[kind](address, context)
        except (ApiError, ValidationError, TemplateError) as error:
            log.warning("no notification to %s %s: %s", kind, address, error)

    def _email(self, address: str, context: dict[str, Any]) -> bool:
        task, status, custom = context["task"], context["status"], _custom(context).get("email", {})
        name = task["metadata"]["name"]
        link = {"text": "Inspect Task", "href": self._page(context)}
        message = {
            "content": f"Task [{name}]({link['href']}) is {status['state']}, in {len(status['runs'])} run(s).",
            "subject": f"Task {status['state']}: {name} - {context['taskId']}",
            "link": link,
            "template": "simple",
        }
        for part in ("content", "subject"):
            if custom.get(part):
                message[part] = _text(custom[part], context)
        for part in ("link", "template"):
            if custom.get(part):
                message[part] = render(custom[part], context)
        return self._notifier.email(SendEmail.model_validate({"address": address, **message}))

    def _pulse(self, address: str, context: dict[str, Any]) -> bool:
        return self._notifier.pulse(PublishPulse(routingKey=address, message=context["status"]))

    def _matrix(self, address: str, context: dict[str, Any]) -> bool:
        custom = _custom(context)
        name, state = context["task"]["metadata"]["name"], context["status"]["state"]
        message = {"body": f"Task '{name}' is {state}: {self._page(context)}"}
        for part, field in (("matrixBody", "body"), ("matrixFormattedBody", "formattedBody")):
            if part in custom:
                message[field] = _text(custom[part], context)
        for part, field in (("matrixFormat", "format"), ("matrixMsgtype", "msgtype")):
            if custom.get(part):
                message[field] = custom[part]
        return self._notifier.matrix(PostMatrix.model_validate({"roomId": address, **message}))

    def _slack(self, address: str, context: dict[str, Any]) -> bool:
        custom = _custom(context)
        name, state = context["task"]["metadata"]["name"], context["status"]["state"]
        text = f"*<{self._page(context)}|{name}>* is _{state}_"
        text = _text(custom["slackText"], context) if "slackText" in custom else text
        blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": text}}]
        message = {
            "text": text,
            "blocks": _text(custom["slackBlocks"], context) if "slackBlocks" in custom else blocks,
            "attachments": _text(custom["slackAttachments"], context) if "slackAttachments" in custom else [],
        }
        return self._notifier.slack(PostSlack.model_validate({"channelId": address, **message}))

    def _page(self, context: dict[str, Any]) -> str:
        return f"{self._root_url}/tasks/{context['taskId']}"


def _hears(on: str, event: str) -> bool:
    """Whether a route with this last part is told of an event at all."""
    return on in {f"on-{event}", "on-transition"} or (event in RESOLVED and on in {"on-any", "on-resolved"})


def _concerns(on: str, state: str) -> bool:
    """Whether a route is about tasks that have this state."""
    return _hears(on, "defined" if state == "unscheduled" else state)


def _is_passed_over(task: Task) -> bool:
    return task.state == "exception" and task.runs[-1].get("reasonResolved") in PASSED_OVER


def _custom(context: dict[str, Any]) -> dict[str, Any]:
    custom = context["task"]["extra"].get("notify")
    return custom if isinstance(custom, dict) else {}


def _text(template: Any, context: dict[str, Any]) -> Any:
    """Return a custom text rendered, or what is wrong with it."""
    try:
        return render(template, context)
    except TemplateError as error:
        return f"Error parsing custom message: {error.reason}"

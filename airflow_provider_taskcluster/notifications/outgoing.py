"""What a notifier sends to each of its addresses. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.common.arguments import is_omitted, name_list, optional_text
from airflow_provider_taskcluster.common.arguments import text as as_text
from airflow_provider_taskcluster.exceptions import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

# Text of the button that an e-mail has for its link.
BUTTON = "Open"
LONGEST_SUBJECT = 255


@dataclass(frozen=True)
class OutgoingMessage:
    """One call of the hook.

    :param method: Method of the hook, such as ``notify_email``.
    :param arguments: Its positional arguments; the first one is the address.
    """

    method: str
    arguments: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)


def outgoing_messages(
    addresses: Mapping[str, Any], *, text: Any, subject: Any = None, link: Any = None, message: Any = None
) -> list[OutgoingMessage]:
    """Return the calls that send a notification, by the order of the addresses.

    :param addresses: One or several by kind: ``email``, ``slack``, ``matrix``, ``pulse``.
    :raises InvalidInput: The text is empty, or there is no address.
    """
    text, subject, link = as_text(text, "text"), optional_text(subject, "subject"), optional_text(link, "link")
    if not text.strip():
        raise InvalidInput("text is empty: there is nothing to say")
    make = {
        "email": lambda to: _email(to, text, subject, link),
        "slack": lambda to: OutgoingMessage("notify_slack", (to, _with_link(text, link))),
        "matrix": lambda to: OutgoingMessage("notify_matrix", (to, _with_link(text, link))),
        "pulse": lambda to: OutgoingMessage("notify_pulse", (to, message or _published(text, subject, link))),
    }
    found = [
        make[kind](address)
        for kind, given in addresses.items()
        if not is_omitted(given)
        for address in name_list(given, kind)
    ]
    if not found:
        raise InvalidInput("There is no address: pass email, slack, matrix or pulse")
    return found


def _email(address: str, text: str, subject: str | None, link: str | None) -> OutgoingMessage:
    first_line = text.strip().splitlines()[0]
    button = {"link": {"text": BUTTON, "href": link}} if link else {}
    return OutgoingMessage("notify_email", (address, (subject or first_line)[:LONGEST_SUBJECT], text), button)


def _with_link(text: str, link: str | None) -> str:
    return f"{text}\n{link}" if link else text


def _published(text: str, subject: str | None, link: str | None) -> dict[str, str]:
    fields = {"text": text, "subject": subject, "link": link}
    return {name: value for name, value in fields.items() if value is not None}

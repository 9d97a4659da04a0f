"""Notifications through the hooks, as the emulator's outbox has them."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from airflow_provider_taskcluster.emulator.store.faults import Reset, Status
from airflow_provider_taskcluster.exceptions import InsufficientScopes, InvalidInput, ServiceError
from airflow_provider_taskcluster.hooks.asynchronous import TaskclusterAsyncHook

LINK = {"text": "See", "href": "https://example.com/"}
# By kind: the method, what follows the address, and what the scope and the denylist name the kind.
KINDS = {
    "email": ("notify_email", ("s", "t"), "email"),
    "matrix": ("notify_matrix", ("t",), "matrix-room"),
    "slack": ("notify_slack", ("t",), "slack-channel"),
    "pulse": ("notify_pulse", ({"a": 1},), "pulse"),
}


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def address(kind):
    unique = secrets.token_hex(4)
    return {"email": f"{unique}@example.com", "matrix": f"!{unique}:example.com"}.get(kind, unique)


def send(hook, kind, address):
    method, arguments, _ = KINDS[kind]
    return getattr(hook, method)(address, *arguments)


@pytest.mark.parametrize("way", ["sync", "async"])
def test_it_is_sent_once_and_the_log_says_that_a_repetition_is_not(tc, hook, kind, address, way, caplog):
    async def send_async():
        async with await TaskclusterAsyncHook.open("tc_test") as opened:
            return await send(opened, kind, address)

    def once():
        return send(hook, kind, address) if way == "sync" else asyncio.run(send_async())

    assert once() is True
    assert "not sent again" not in caplog.text
    assert once() is False
    assert f"{address!r} was not sent again" in caplog.text
    [sent] = tc.outbox.entries(address=address)
    assert sent.kind == KINDS[kind][2]


def test_all_fields_arrive(tc, hook):
    to = secrets.token_hex(4)
    hook.notify_email(f"{to}@x.org", "s", "# t", link=LINK, reply_to="a@x.org", template="fullscreen")
    hook.notify_matrix(f"!{to}:x.org", "t", formatted_body="<b>t</b>", msgtype="m.text")
    hook.notify_slack(f"C{to}", "t", blocks=[{"type": "divider"}])
    hook.notify_pulse(to, {"a": {"b": 1}})
    mail, matrix, slack, pulse = list(tc.outbox)[-4:]
    assert (mail.subject, mail.text, mail.link) == ("s", "# t", LINK)
    assert mail.details == {"replyTo": "a@x.org", "template": "fullscreen"}
    assert (matrix.text, matrix.details["formattedBody"], matrix.details["msgtype"]) == ("t", "<b>t</b>", "m.text")
    assert slack.details["blocks"] == [{"type": "divider"}]
    assert pulse.message["message"] == {"a": {"b": 1}}


def test_a_denylisted_address_is_named_as_such(tc, hook, kind, address):
    denied = {"notificationType": KINDS[kind][2], "notificationAddress": address}
    hook.upstream("notify").addDenylistAddress(denied)
    with pytest.raises(ServiceError, match="denylist") as caught:
        send(hook, kind, address)
    assert (caught.value.status, caught.value.code) == (400, "DenylistedAddress")
    assert not tc.outbox.entries(address=address)


def test_the_scope_of_the_address_is_named(holding, kind, address):
    with pytest.raises(InsufficientScopes, match=f"notify:{KINDS[kind][2]}:{address}"):
        send(holding(), kind, address)
    assert send(holding(f"notify:{KINDS[kind][2]}:{address}"), kind, address)


def test_a_message_whose_answer_is_lost_is_sent_once(tc, hook):
    to = f"C{secrets.token_hex(4)}"
    tc.api_faults.add(Reset(0), method="POST", path="/slack")
    assert hook.notify_slack(to, "t") is False  # what was asked for again
    assert len(tc.outbox.entries(address=to)) == 1


def test_a_service_that_is_away_is_asked_again(tc, hook):
    tc.api_faults.add(Status(503), method="POST", path="/slack")
    assert hook.notify_slack(f"C{secrets.token_hex(4)}", "t") is True


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("notify_email", ("", "s", "t")),
        ("notify_email", ("a@x.org", "", "t")),
        ("notify_email", ("a@x.org", "s" * 256, "t")),
        ("notify_email", ("a@x.org", "s", "t" * 102_401)),
        ("notify_email", (None, "s", "t")),
        ("notify_matrix", ("!r:x.org", " ")),
        ("notify_slack", ("C1", None)),
        ("notify_slack", ("C1", "\ud800")),
        ("notify_pulse", ("k" * 101, {})),
        ("notify_pulse", ("k", "text")),
        ("notify_pulse", ("k", {"a": object()})),
        ("notify_pulse", ("k", {"a": float("nan")})),
    ],
)
def test_what_the_service_would_refuse_or_fail_at_is_not_sent(tc, hook, method, arguments):
    with pytest.raises(InvalidInput):
        getattr(hook, method)(*arguments)
    assert not tc.journal.entries()


@pytest.mark.parametrize("link", [{"text": "a"}, {"text": "a" * 41, "href": "b"}, {"text": "", "href": "b"}])
def test_a_link_has_a_short_text_and_a_url(hook, link):
    with pytest.raises(InvalidInput, match="link"):
        hook.notify_email("a@x.org", "s", "t", link=link)

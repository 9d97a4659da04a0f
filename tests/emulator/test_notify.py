"""The notify service's quirks, and its outbox."""

from __future__ import annotations

import json

import pytest
from emulator_clients import Clients, fresh, pages, refused

from airflow_provider_taskcluster.emulator import Emulator, Settings

CALLS = {
    "email": ("address", lambda to: {"address": f"{to}@example.com", "subject": "s", "content": "c"}),
    "pulse": ("routingKey", lambda to: {"routingKey": to, "message": {"a": 1}}),
    "matrix": ("roomId", lambda to: {"roomId": f"!{to}:example.com", "body": "b"}),
    "slack": ("channelId", lambda to: {"channelId": f"C{to}", "text": "t"}),
}
KINDS = {"email": "email", "pulse": "pulse", "matrix": "matrix-room", "slack": "slack-channel"}


@pytest.fixture(params=CALLS)
def call(request):
    return request.param


@pytest.fixture
def message(call):
    return CALLS[call][1](fresh("to"))


def address_of(call, message):
    return message[CALLS[call][0]]


def was_sent(answer):
    """Whether a call answered 200 "OK"; None of the upstream client is a 204."""
    if answer is None:
        return False
    assert (answer["response"].status_code, answer["response"].text) == (200, "OK")
    return True


def test_a_message_is_sent_and_its_repetition_is_not(root, call, message):
    address = address_of(call, message)
    assert was_sent(getattr(root.notify, call)(message))
    assert not was_sent(getattr(root.notify, call)(message))
    [sent] = root.tc.outbox.entries(kind=KINDS[call], address=address)
    assert (sent.kind, sent.address) == (KINDS[call], address)


def test_the_scope_names_the_address(root, holding, call, message):
    address = address_of(call, message)
    with refused(403, "InsufficientScopes") as info:
        getattr(holding().notify, call)(message)
    assert f"notify:{KINDS[call]}:{address}" in str(info.value)
    assert was_sent(getattr(holding(f"notify:{KINDS[call]}:{address}").notify, call)(message))


def test_a_denylisted_address_is_a_400(root, call, message):
    address = address_of(call, message)
    denied = {"notificationType": KINDS[call], "notificationAddress": address}
    for _ in range(2):
        assert was_sent(root.notify.addDenylistAddress(denied))
    with refused(400, "DenylistedAddress") as info:
        getattr(root.notify, call)(message)
    assert f"{address} is denylisted" in info.value.body["message"]
    for _ in range(2):
        assert was_sent(root.notify.deleteDenylistAddress(denied))
    assert was_sent(getattr(root.notify, call)(message))


def test_the_denylist_comes_in_pages_and_needs_a_scope(root, holding):
    denied = [{"notificationType": "pulse", "notificationAddress": fresh("denied")} for _ in range(5)]
    manager = holding("notify:manage-denylist")
    for each in denied:
        manager.notify.addDenylistAddress(each)
    listed = [a for page in pages(lambda query: manager.notify.listDenylist(query=query)) for a in page["addresses"]]
    assert [each for each in listed if each in denied] == denied
    for each in denied:
        manager.notify.deleteDenylistAddress(each)
    for refuse in (lambda n: n.addDenylistAddress(denied[0]), lambda n: n.listDenylist()):
        with refused(403, "InsufficientScopes"):
            refuse(holding().notify)


def test_an_email_is_in_the_outbox_as_it_was_sent(root):
    to = f"{fresh('to')}@example.com"
    link = {"text": "See", "href": "https://example.com/"}
    mail = {"address": to, "subject": "It failed", "content": "# Oh", "link": link, "replyTo": "a@example.com"}
    root.notify.email(mail)
    [sent] = root.tc.outbox.entries(address=to)
    assert (sent.subject, sent.text, sent.link) == ("It failed", "# Oh", link)
    assert sent.details == {"replyTo": "a@example.com", "template": "simple"}
    assert abs(sent.time - root.tc.clock.now()) < 5000


def test_another_message_to_the_same_address_is_sent(root):
    to = f"{fresh('to')}@example.com"
    mails = [{"address": to, "subject": subject, "content": "c"} for subject in ("a", "b", "a")]
    assert [was_sent(root.notify.email(mail)) for mail in mails] == [True, True, False]


def test_only_the_last_1000_messages_are_remembered(root, worker):
    first = {"routingKey": fresh("first"), "message": {}}
    assert was_sent(root.notify.pulse(first))
    route = f"notify.pulse.{fresh('key')}.on-pending"
    others = root.tc.bulk.create(999, routes=[route])
    assert not was_sent(root.notify.pulse(first))
    others += root.tc.bulk.create(1, routes=[route])
    assert was_sent(root.notify.pulse(first))
    assert len(root.tc.outbox.entries(address=route.split(".")[2])) == len(others)


def test_an_address_gets_50_emails_in_10_minutes(root):
    to = fresh("much")

    def mail(number, address):
        return was_sent(root.notify.email({"address": f"{address}@x.org", "subject": str(number), "content": "c"}))

    assert all(mail(number, to) for number in range(50))
    assert not mail(50, to)
    assert mail(50, fresh("other"))
    with root.tc.clock.advanced(minutes=11):
        assert mail(50, to)


def test_slack_takes_the_same_text_with_other_blocks_for_a_repetition(root):
    to = fresh("C")
    post = {"channelId": to, "text": "t", "blocks": [{"type": "divider"}]}
    assert was_sent(root.notify.slack(post))
    assert not was_sent(root.notify.slack({**post, "blocks": []}))
    [sent] = root.tc.outbox.entries(address=to)
    assert sent.text == "t"
    assert sent.details["blocks"] == [{"type": "divider"}]


def test_matrix_keeps_the_format(root):
    room = f"!{fresh('room')}:example.com"
    root.notify.matrix({"roomId": room, "body": "b", "formattedBody": "<b>b</b>", "format": "org.matrix.custom.html"})
    [sent] = root.tc.outbox.entries(address=room)
    formatted = {"formattedBody": "<b>b</b>", "format": "org.matrix.custom.html", "msgtype": "m.notice"}
    assert (sent.text, sent.details) == ("b", formatted)


def test_a_pulse_message_goes_out_under_two_keys(root):
    key = fresh("key")
    root.notify.pulse({"routingKey": key, "message": {"a": 1}})
    [sent] = root.tc.outbox.entries(kind="pulse", address=key)
    assert sent.message == {"message": {"a": 1}, "version": 1}
    assert (sent.details["routingKey"], sent.details["CC"]) == (f"primary.{key}", [f"route.{key}"])


def test_a_routing_key_over_100_is_a_500_though_the_schema_allows_255(root):
    assert was_sent(root.notify.pulse({"routingKey": "k" * 100, "message": {}}))
    for length in (101, 255):
        with refused(500, "InternalServerError"):
            root.notify.pulse({"routingKey": "k" * length, "message": {}})
    with refused(400, "InputValidationError"):
        root.notify.pulse({"routingKey": "k" * 256, "message": {}})


@pytest.mark.parametrize("wrong", [{"address": "nobody"}, {"subject": ""}, {"content": ""}, {"more": 1}])
def test_an_email_that_breaks_its_schema_is_a_400(root, wrong):
    with refused(400, "InputValidationError"):
        root.notify.email({"address": "a@example.com", "subject": "s", "content": "c", **wrong})


def test_what_is_not_set_up_is_a_500_but_slack_a_204():
    with Emulator(settings=Settings(notifications=("pulse",))) as tc:
        root = Clients(tc, {"clientId": tc.client_id, "accessToken": tc.access_token})
        for call in ("email", "matrix"):
            for _ in range(2):
                with refused(500, "InternalServerError"):
                    getattr(root.notify, call)(CALLS[call][1]("to"))
        assert not was_sent(root.notify.slack(CALLS["slack"][1]("to")))
        assert was_sent(root.notify.pulse(CALLS["pulse"][1]("to")))
        assert len(tc.outbox) == 1


def test_the_outbox_file_has_a_line_for_each_notification_and_the_denylist_survives(tmp_path):
    file, denied = tmp_path / "outbox", {"notificationType": "pulse", "notificationAddress": "no"}
    for restart in range(2):
        with Emulator(data_dir=tmp_path / "state", outbox=file) as tc:
            root = Clients(tc, {"clientId": tc.client_id, "accessToken": tc.access_token})
            root.notify.pulse({"routingKey": "k", "message": {"a": 1}})
            if restart:
                assert root.notify.listDenylist()["addresses"] == [denied]
            root.notify.addDenylistAddress(denied)
            tc.outbox.clear()
            assert list(tc.outbox) == []
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(line["kind"], line["address"]) for line in lines] == [("pulse", "k")] * 2


def test_ping_needs_no_credentials(anonymous):
    assert anonymous.notify.ping()["alive"] is True

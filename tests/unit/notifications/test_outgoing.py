from __future__ import annotations

import pytest

from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.notifications.outgoing import OutgoingMessage, outgoing_messages

LINK = "https://example.com/"


def test_each_address_gets_its_message():
    sent = outgoing_messages({"email": ["a@x.org", "b@x.org"], "slack": "C1", "matrix": None}, text="one\ntwo")
    assert sent == [
        OutgoingMessage("notify_email", ("a@x.org", "one", "one\ntwo")),
        OutgoingMessage("notify_email", ("b@x.org", "one", "one\ntwo")),
        OutgoingMessage("notify_slack", ("C1", "one\ntwo")),
    ]


def test_a_template_may_write_a_list_as_text():
    assert [sent.arguments[0] for sent in outgoing_messages({"slack": '["C1", "C2"]'}, text="t")] == ["C1", "C2"]


def test_a_link_is_a_button_or_a_line():
    addresses = {"email": "a@x.org", "slack": "C1", "matrix": "!r:x.org", "pulse": "key"}
    mail, slack, matrix, pulse = outgoing_messages(addresses, text="t", subject="s", link=LINK)
    assert mail.arguments == ("a@x.org", "s", "t")
    assert mail.options == {"link": {"text": "Open", "href": LINK}}
    assert slack.arguments == ("C1", f"t\n{LINK}")
    assert matrix.arguments == ("!r:x.org", f"t\n{LINK}")
    assert pulse.arguments == ("key", {"text": "t", "subject": "s", "link": LINK})


def test_pulse_publishes_a_message_of_its_own():
    [pulse] = outgoing_messages({"pulse": "key"}, text="t", message={"a": 1})
    assert pulse.arguments == ("key", {"a": 1})


def test_a_long_first_line_is_cut_for_the_subject():
    [mail] = outgoing_messages({"email": "a@x.org"}, text="x" * 300)
    assert mail.arguments == ("a@x.org", "x" * 255, "x" * 300)


@pytest.mark.parametrize(
    ("addresses", "text"), [({"slack": "C1"}, " "), ({"slack": ""}, "t"), ({"email": ["a@x.org", ""]}, "t")]
)
def test_nothing_is_sent_without_text_or_address(addresses, text):
    with pytest.raises(InvalidInput):
        outgoing_messages(addresses, text=text)

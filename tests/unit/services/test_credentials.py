from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.services.credentials import Credentials, from_service, narrowed, satisfied

ISSUER = Credentials("project/issuer", "issuers-access-token")


def in_an_hour():
    return datetime.now(UTC) + timedelta(hours=1)


def signature_of(certificate, *, client_id=None):
    """The signature as Taskcluster's documentation of temporary credentials defines it."""
    lines = [f"version:{certificate['version']}"]
    if client_id:
        lines += [f"clientId:{client_id}", f"issuer:{certificate['issuer']}"]
    lines += [f"{key}:{certificate[key]}" for key in ("seed", "start", "expiry")]
    text = "\n".join([*lines, "scopes:", *certificate["scopes"]])
    return base64.b64encode(hmac.digest(ISSUER.access_token.encode(), text.encode(), hashlib.sha256)).decode()


def token_of(certificate):
    digest = hmac.digest(ISSUER.access_token.encode(), certificate["seed"].encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def test_narrowed_credentials_are_signed_by_their_issuer():
    given_out = narrowed(ISSUER, ["queue:status:a", "object:download:*"], in_an_hour())
    certificate = json.loads(given_out.certificate)
    assert certificate["scopes"] == ["queue:status:a", "object:download:*"]
    assert certificate["signature"] == signature_of(certificate)
    assert given_out.access_token == token_of(certificate)
    assert given_out.client_id == ISSUER.client_id
    assert "issuer" not in certificate


def test_named_credentials_carry_their_name_and_their_issuer():
    given_out = narrowed(ISSUER, ["a"], in_an_hour(), name="project/helper")
    certificate = json.loads(given_out.certificate)
    assert given_out.client_id == "project/helper"
    assert certificate["issuer"] == ISSUER.client_id
    assert certificate["signature"] == signature_of(certificate, client_id="project/helper")
    assert given_out.access_token == token_of(certificate)


def test_they_hold_from_now_until_the_given_instant_in_any_zone():
    expires = in_an_hour().replace(microsecond=0).astimezone(timezone(timedelta(hours=-7)))
    certificate = json.loads(narrowed(ISSUER, ["a"], expires).certificate)
    assert certificate["expiry"] == expires.timestamp() * 1000
    assert 0 <= datetime.now(UTC).timestamp() * 1000 - certificate["start"] < 10_000


def test_no_two_are_alike():
    expires = in_an_hour()
    assert narrowed(ISSUER, ["a"], expires).access_token != narrowed(ISSUER, ["a"], expires).access_token


def test_one_scope_may_be_given_as_a_text():
    assert json.loads(narrowed(ISSUER, "queue:status:a", in_an_hour()).certificate)["scopes"] == ["queue:status:a"]


def test_temporary_credentials_cannot_issue_others():
    with pytest.raises(InvalidInput, match="use a connection with permanent credentials"):
        narrowed(narrowed(ISSUER, ["a"], in_an_hour()), ["a"], in_an_hour())


@pytest.mark.parametrize("life", [timedelta(0), timedelta(seconds=-1), timedelta(days=31, minutes=1)], ids=str)
def test_they_must_end_within_31_days_from_now(life):
    with pytest.raises(InvalidInput, match="within 31 days from now"):
        narrowed(ISSUER, ["a"], datetime.now(UTC) + life)


def test_an_expiry_without_a_zone_is_refused():
    with pytest.raises(InvalidInput, match="with a time zone"):
        narrowed(ISSUER, ["a"], datetime(2030, 1, 1))  # noqa: DTZ001


def test_authorized_scopes_limit_what_can_be_handed_on():
    within = ["object:download:public/*", "queue:status:a"]
    assert narrowed(ISSUER, ["object:download:public/x", "queue:status:a"], in_an_hour(), within=within)
    with pytest.raises(InvalidInput, match=r"do not hold object:download:private, queue:status:b: ask for fewer$"):
        narrowed(ISSUER, ["object:download:private", "queue:status:a", "queue:status:b"], in_an_hour(), within=within)
    with pytest.raises(InvalidInput, match="do not hold"):
        narrowed(ISSUER, ["a"], in_an_hour(), within=[])


@pytest.mark.parametrize(
    ("scope", "held", "is_satisfied"),
    [
        ("a:b", ["a:b"], True),
        ("a:b", ["a:*"], True),
        ("a:b", ["*"], True),
        ("a:*", ["a:*"], True),
        ("a:b*", ["a:*"], True),
        ("a:", ["a:*"], True),
        ("a:*", ["a:b"], False),
        ("a:*", ["a:b*"], False),
        ("*", ["a*"], False),
        ("a:b", ["a:"], False),
        ("a:b", ["*:b"], False),
        ("a:b", [], False),
        ("a:c", ["a:b", "a:c"], True),
    ],
)
def test_a_star_at_the_end_stands_for_any_end_and_nowhere_else(scope, held, is_satisfied):
    assert satisfied(scope, held) is is_satisfied


@given(st.text("ab:*", max_size=6), st.lists(st.text("ab:*", max_size=6), max_size=3))
def test_scopes_are_matched_as_the_upstream_client_matches_them(scope, held):
    from taskcluster.utils import scopeMatch

    assert satisfied(scope, held) == scopeMatch(held, [[scope]])


def test_secrets_never_show():
    credentials = Credentials("client", "hidden-token", '{"signature": "hidden"}')
    assert "hidden" not in repr(credentials)
    assert "client" in repr(credentials)
    assert credentials.secrets == ("hidden-token", '{"signature": "hidden"}')


def test_each_client_gets_options_of_its_own_to_change():
    credentials = Credentials("client", "token", "{}")
    first = credentials.as_options()
    first["accessToken"] = b"changed in place"
    assert credentials.as_options() == {"clientId": "client", "accessToken": "token", "certificate": "{}"}


def test_credentials_of_an_answer_of_the_queue():
    answer = {"clientId": "task-client/a", "accessToken": "token", "certificate": "{}"}
    assert from_service(answer).as_options() == answer
    assert from_service({"clientId": "c", "accessToken": "t"}).certificate is None

"""Responses of a store to a PUT other than success."""

from __future__ import annotations

import os

import pytest

from airflow_provider_taskcluster.emulator.store.faults import Redirect, Status
from airflow_provider_taskcluster.exceptions import StoreError

DATA = os.urandom(2_500_000)


def puts(tc):
    return tc.journal.entries(origin="store", method="PUT")


@pytest.mark.parametrize("code", ["BadDigest", "IncompleteBody", "XAmzContentSHA256Mismatch", "RequestTimeout"])
def test_a_body_that_was_damaged_on_the_way_is_sent_again(hook, name, expires, tc, code):
    said = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>Once more</Message></Error>".encode()
    tc.faults.add(Status(400, body=said), method="PUT")
    assert hook.upload_object(DATA, name, expires=expires).attempts == 2
    assert hook.read_object(name) == DATA


class Onward:
    """Redirects a PUT to the same URL, with a mark that the signature does not cover."""

    def __init__(self, status, origin=""):
        self.status, self.origin = status, origin

    async def answer(self, exchange):
        scope = exchange.scope
        path = f"{scope['raw_path'].decode()}?{scope['query_string'].decode()}"
        await Redirect(f"{self.origin}{path}", self.status).answer(exchange)


@pytest.mark.parametrize("status", [307, 308])
@pytest.mark.parametrize("times", [1, 5])
def test_a_put_follows_a_redirect_within_its_origin_with_the_whole_body(hook, name, expires, tc, status, times):
    tc.faults.add(Onward(status), method="PUT", times=times)
    result = hook.upload_object(DATA, name, expires=expires)
    assert hook.read_object(name) == DATA
    assert result.attempts == 1
    assert [entry.status for entry in puts(tc)] == [status] * times + [200]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Onward(307, "http://localhost:1"), "redirect"),
        (Onward(307, "https://127.0.0.1:1"), "redirect"),
        (Onward(301), "redirect"),
        (Onward(302), "redirect"),
        (Onward(303), "redirect"),
        (Onward(307), "is redirected again and again"),
        (Redirect("file:///etc/passwd", 307), "redirects to 'file'"),
        (Redirect("http://127.0.0.1:99999/", 307), "no URL"),
    ],
    ids=lambda value: str(getattr(value, "__dict__", value)),
)
def test_a_put_follows_no_other_redirect(hook, name, expires, tc, fault, reason):
    tc.faults.add(fault, method="PUT", times=100)
    with pytest.raises(StoreError, match=reason) as caught:
        hook.upload_object(DATA, name, expires=expires)
    assert not caught.value.transient
    assert "X-" not in str(caught.value), "no signature"

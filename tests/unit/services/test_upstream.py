"""The ``taskcluster`` package as we use it."""

from __future__ import annotations

import sys

import mohawk

from airflow_provider_taskcluster.services.upstream import sign_without_layout


def signature() -> str:
    credentials = {"id": "client", "key": "key", "algorithm": "sha256"}
    request = {"url": "http://taskcluster.test/api/object/v1/upload/name", "method": "PUT", "nonce": "fixed"}
    body = {"content": '{"objectData": "' + "A" * 1000 + '"}', "content_type": "application/json"}
    return mohawk.Sender(credentials, **request, **body, _timestamp=1_800_000_000).request_header


def test_a_request_is_signed_without_being_laid_out_for_a_log_that_is_off():
    before, called = signature(), set()
    sign_without_layout()
    sys.setprofile(lambda frame, *_: called.add(frame.f_globals.get("__name__")))
    try:
        after = signature()
    finally:
        sys.setprofile(None)
    assert after == before
    assert "mohawk.util" in called
    assert "pprint" not in called

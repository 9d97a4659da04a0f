"""Renewals of grants while the services fail: the number of calls."""

from __future__ import annotations

import os

import pytest
from scripted_api import scripted_api

from airflow_provider_taskcluster.emulator.store.faults import Status
from airflow_provider_taskcluster.exceptions import ServiceUnavailable, StoreError
from airflow_provider_taskcluster.transfer.download import plan
from airflow_provider_taskcluster.transfer.download.plan import SEGMENT

DATA = os.urandom(5 * SEGMENT)


@pytest.fixture(autouse=True)
def slow(monkeypatch):
    """Every store is slow enough for several connections."""
    monkeypatch.setattr(plan, "FAST_ENOUGH", float("inf"))


@pytest.fixture
def api(tc):
    with scripted_api(tc.root_url) as api:
        yield api


@pytest.fixture
def stored(connect, name, expires, tc):
    connect("tc_before").upload_object(DATA, name, expires=expires)
    tc.journal.clear()
    return name


class RefusedAndThen:
    """The store refuses the grant; from then on the services are out of order."""

    def __init__(self, api):
        self.api = api

    async def answer(self, exchange):
        if not self.api.rules:
            self.api.asked.clear()
            self.api.add("/api/object/", 503, times=100, delay=0.05)  # the others come meanwhile
        await Status(403).answer(exchange)


@pytest.mark.parametrize("connections", [1, 4])
def test_a_download_asks_for_a_new_grant_as_often_as_for_any_answer(connect, stored, tc, api, tmp_path, connections):
    tc.faults.add(RefusedAndThen(api), method="GET", nth=2 if connections > 1 else 1, times=100)
    hook = connect(host=api.url, extra={"max_retries": 3})
    with pytest.raises(ServiceUnavailable):
        hook.download_object(stored, tmp_path / "copy", connections=connections)
    assert api.count("/start-download/") == 4


def test_an_upload_asks_for_a_new_grant_as_often_as_for_any_answer(connect, name, expires, tc, api):
    tc.faults.add(RefusedAndThen(api), method="PUT", times=100)
    with pytest.raises(ServiceUnavailable):
        connect(host=api.url, extra={"max_retries": 3}).upload_object(DATA, name, expires=expires)
    assert api.count("/upload/") == 4


def test_a_grant_is_renewed_where_nothing_is_repeated(connect, stored, name, expires, tc):
    """A URL that ran out is no failure: ``max_retries`` does not count it."""
    hook = connect(extra={"max_retries": 0})
    tc.faults.add(Status(403), method="GET")
    tc.faults.add(Status(401), method="PUT")
    assert hook.read_object(stored) == DATA
    assert hook.upload_object(DATA[:SEGMENT], f"{name}-new", expires=expires).attempts == 2


def test_a_new_grant_that_is_refused_too_ends_the_transfer(connect, stored, tc):
    tc.faults.add(Status(403), method="GET", times=100)
    with pytest.raises(StoreError, match="answered 403"):
        connect(extra={"max_retries": 0}).read_object(stored)
    assert len(tc.journal.entries(origin="store", method="GET")) == 2


def test_a_failure_after_a_renewal_is_not_repeated_where_nothing_is(connect, stored, tc):
    tc.faults.add(Status(403), method="GET")
    tc.faults.add(Status(503), method="GET", nth=2)
    with pytest.raises(StoreError, match="answered 503"):
        connect(extra={"max_retries": 0}).read_object(stored)

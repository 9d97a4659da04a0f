"""Services and stores that are unavailable for a while; a fake clock measures the time."""

from __future__ import annotations

import os

import pytest

from airflow_provider_taskcluster.common import retry
from airflow_provider_taskcluster.emulator.store.faults import Status
from airflow_provider_taskcluster.exceptions import ServiceUnavailable, StoreError

DATA = os.urandom(300_000)


@pytest.fixture
def away():
    """Let the services, or the store, answer as they do while they are restarted: for so many seconds."""

    def begin(seconds, faults):
        end = retry.clock() + seconds
        faults.add(
            Status(502, {"content-type": "text/html"}, b"<h1>Bad Gateway</h1>"),
            when=lambda _: retry.clock() < end,
            times=1000,
        )

    return begin


@pytest.fixture
def stored(hook, name, expires):
    hook.upload_object(DATA, name, expires=expires)
    return name


def test_a_call_is_made_when_the_service_is_back(hook, stored, tc, away, no_waiting):
    away(58, tc.api_faults)
    assert hook.object_metadata(stored)["projectId"] == "tests"
    assert sum(no_waiting) >= 58


def test_one_that_is_away_for_longer_ends_the_call(hook, tc, away, no_waiting):
    away(1000, tc.api_faults)
    with pytest.raises(ServiceUnavailable, match="502"):
        hook.ping()
    assert 60 <= sum(no_waiting) <= 90, "the last try begins when the minute is over"


def test_the_connection_says_for_how_long(connect, tc, away):
    away(200, tc.api_faults)
    assert connect(extra={"retry_seconds": "300"}).ping()["alive"]
    away(10, tc.api_faults)
    with pytest.raises(ServiceUnavailable):
        connect(extra={"retry_seconds": 3}).ping()


def test_a_number_of_retries_ends_it_earlier(connect, tc, away, no_waiting):
    away(58, tc.api_faults)
    with pytest.raises(ServiceUnavailable):
        connect(extra={"max_retries": 2}).ping()
    assert len(no_waiting) == 2


def test_bytes_come_when_the_store_is_back(hook, stored, tc, away, tmp_path):
    away(58, tc.faults)
    hook.download_object(stored, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == DATA


def test_bytes_go_up_when_the_store_is_back(hook, name, expires, tc, away):
    away(58, tc.faults)
    hook.upload_object(DATA, name, expires=expires)
    assert hook.read_object(name) == DATA


def test_a_store_that_is_away_for_longer_ends_the_transfer(hook, stored, tc, away, tmp_path):
    away(1000, tc.faults)
    with pytest.raises(StoreError, match="502"):
        hook.download_object(stored, tmp_path / "copy")


@pytest.mark.parametrize("storage_type", ["object", "s3"])
def test_an_artifact_is_published_through_a_restart_of_the_queue(hook, run, expires, tc, away, storage_type):
    away(58, tc.api_faults)
    hook.upload_artifact(DATA, run.task_id, run.run_id, "public/a", expires=expires, storage_type=storage_type)
    assert hook.read_artifact(run.task_id, "public/a") == DATA

"""Purging caches through the hook."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_taskcluster.exceptions import InsufficientScopes, InvalidInput


@pytest.fixture
def pool():
    return f"tests/{secrets.token_hex(4)}"


def test_a_purge_is_asked_for_and_found(hook, pool):
    provisioner, worker_type = pool.split("/")
    hook.purge_cache(pool, "checkouts")
    hook.purge_cache(provisioner_id=provisioner, worker_type=worker_type, cache_name="tooltool")
    found = hook.purge_requests(pool)
    assert {request["cacheName"] for request in found} == {"checkouts", "tooltool"}
    assert {(r["provisionerId"], r["workerType"]) for r in found} == {(provisioner, worker_type)}


def test_requests_since(hook, pool, tc):
    hook.purge_cache(pool, "checkouts")
    assert hook.purge_requests(pool, since=datetime.now(UTC) - timedelta(minutes=1))
    with tc.clock.advanced(seconds=11):  # the service caches its answers for 10 s
        assert hook.purge_requests(pool, since=datetime.now(UTC) + timedelta(minutes=1)) == []


def test_all_requests_come_from_all_pages_or_page_by_page(hook, pool):
    wanted = {f"cache-{number}" for number in range(5)}
    for cache in wanted:
        hook.purge_cache(pool, cache)
    everything = hook.all_purge_requests()
    assert wanted <= {request["cacheName"] for request in everything["requests"]}
    assert not everything.get("continuationToken")
    seen, token = [], None
    while True:
        page = hook.all_purge_requests(limit=2, continuation_token=token)
        assert len(page["requests"]) <= 2
        seen += page["requests"]
        if not (token := page.get("continuationToken")):
            break
    assert len(seen) == len(everything["requests"])


@pytest.mark.parametrize(
    "bad",
    [
        {"cache_name": "c"},
        {"worker_pool_id": "tests/pool"},
        {"worker_pool_id": "tests", "cache_name": "c"},
        {"worker_pool_id": "tests/a b", "cache_name": "c"},
        {"worker_pool_id": "tests/" + "x" * 39, "cache_name": "c"},
        {"worker_pool_id": "tests/pool", "worker_type": "pool", "cache_name": "c"},
        {"provisioner_id": "tests", "cache_name": "c"},
    ],
    ids=str,
)
def test_bad_arguments_are_refused_before_anything_is_sent(hook, tc, bad):
    with pytest.raises(InvalidInput):
        hook.purge_cache(**bad)
    assert not list(tc.journal)


def test_a_missing_scope_is_named(holding, pool):
    with pytest.raises(InsufficientScopes, match=f"the scope purge-cache:{pool}:checkouts"):
        holding("purge-cache:other/*").purge_cache(pool, "checkouts")


def test_ping(hook):
    assert hook.ping("purge-cache")["alive"]


@pytest.mark.parametrize("since", ["2030-01-01T00:00:00Z", 7, datetime(2030, 1, 1)], ids=repr)  # noqa: DTZ001
def test_since_is_a_datetime_with_a_zone(hook, pool, tc, since):
    with pytest.raises(InvalidInput, match="since must be a datetime with a time zone"):
        hook.purge_requests(pool, since)
    assert not list(tc.journal)

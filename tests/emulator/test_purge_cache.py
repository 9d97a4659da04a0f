"""The purge-cache service's quirks."""

from __future__ import annotations

import mohawk
import pytest
from emulator_clients import Clients, fresh, http, refused

from airflow_provider_taskcluster.emulator import Emulator, Settings
from airflow_provider_taskcluster.emulator.clock import from_json


@pytest.fixture
def pool():
    return f"tests/{fresh('pool')}"


def caches(answer):
    return [request["cacheName"] for request in answer["requests"]]


def test_a_request_says_which_cache_and_from_when(root, pool):
    assert root.purge_cache.purgeCache(pool, {"cacheName": "level-1"}) is None
    [request] = root.purge_cache.purgeRequests(pool)["requests"]
    assert f"{request['provisionerId']}/{request['workerType']}" == pool
    assert abs(from_json(request["before"]) - root.tc.clock.now()) < 5000


def test_repeating_moves_before_to_now(root, pool):
    root.purge_cache.purgeCache(pool, {"cacheName": "c"})
    first = root.purge_cache.purgeRequests(pool)["requests"][0]["before"]
    with root.tc.clock.advanced(minutes=5):
        root.purge_cache.purgeCache(pool, {"cacheName": "c"})
        [again] = root.purge_cache.purgeRequests(pool)["requests"]
        assert from_json(again["before"]) - from_json(first) >= 5 * 60 * 1000


def test_purge_requests_are_cached_for_10_seconds(root, pool):
    assert caches(root.purge_cache.purgeRequests(pool)) == []
    root.purge_cache.purgeCache(pool, {"cacheName": "c"})
    assert caches(root.purge_cache.purgeRequests(pool)) == []
    with root.tc.clock.advanced(seconds=11):
        assert caches(root.purge_cache.purgeRequests(pool)) == ["c"]


def test_the_cache_of_purge_requests_can_be_switched_off(pool):
    with Emulator(settings=Settings(purge_cache_seconds=0)) as tc:
        root = Clients(tc, {"clientId": tc.client_id, "accessToken": tc.access_token})
        assert caches(root.purge_cache.purgeRequests(pool)) == []
        root.purge_cache.purgeCache(pool, {"cacheName": "c"})
        assert caches(root.purge_cache.purgeRequests(pool)) == ["c"]


def test_since_leaves_out_older_requests(root, pool):
    root.purge_cache.purgeCache(pool, {"cacheName": "c"})
    query = {"since": "2020-01-01T00:00:00Z"}
    assert caches(root.purge_cache.purgeRequests(pool, query=query)) == ["c"]
    query = {"since": "2090-01-01T00:00:00Z"}
    assert caches(root.purge_cache.purgeRequests(pool, query=query)) == []
    with refused(400, "InvalidRequestArguments"):
        root.purge_cache.purgeRequests(pool, query={"since": "yesterday"})


def test_all_purge_requests_come_in_pages(root, pool):
    for number in range(5):
        root.purge_cache.purgeCache(pool, {"cacheName": f"c{number}"})
    pages = []
    root.purge_cache.allPurgeRequests(paginationHandler=pages.append, paginationLimit=2, query={})
    assert all(len(page["requests"]) <= 2 for page in pages)
    ours = [r["cacheName"] for page in pages for r in page["requests"] if r["workerType"] == pool[6:]]
    assert ours == [f"c{number}" for number in range(5)]
    assert pages[-1]["continuationToken"] == ""


def test_a_made_up_continuation_token_is_refused(root):
    for token in ("nonsense", "W10", "bnVsbA"):
        with refused(400, "InvalidRequestArguments"):
            root.purge_cache.allPurgeRequests(query={"continuationToken": token})


def test_a_request_lives_one_day(root, pool):
    root.purge_cache.purgeCache(pool, {"cacheName": "c"})
    with root.tc.clock.advanced(hours=23):
        assert caches(root.purge_cache.purgeRequests(pool)) == ["c"]
    with root.tc.clock.advanced(hours=25):
        assert caches(root.purge_cache.purgeRequests(pool)) == []


def test_older_callers_pass_provisioner_and_worker_type_apart(root, pool):
    root.purge_cache.purgeCache(pool, {"cacheName": "c"})
    url = root.purge_cache.buildSignedUrl("purgeRequests", pool)
    assert "%2F" in url
    # The path as older clients send it is another one, so that it is signed anew.
    url = root.purge_cache.buildUrl("purgeRequests", pool).replace("%2F", "/")
    key = {"id": root.tc.client_id, "key": root.tc.access_token, "algorithm": "sha256"}
    sender = mohawk.Sender(key, url, "GET", content="", content_type="")
    status, _, body = http("GET", url, headers={"Authorization": sender.request_header})
    assert status == 200
    assert b'"cacheName":"c"' in body


@pytest.mark.parametrize("bad", ["no-slash", "a/b/c", "a/", f"{'x' * 39}/b", "a/b b"])
def test_a_worker_pool_id_of_another_form_is_refused(root, bad):
    with refused(400, "InvalidRequestArguments"):
        root.purge_cache.purgeCache(bad, {"cacheName": "c"})


def test_each_call_needs_its_scope(holding, pool):
    some = holding(f"purge-cache:{pool}:mine")
    some.purge_cache.purgeCache(pool, {"cacheName": "mine"})
    with refused(403, "InsufficientScopes"):
        some.purge_cache.purgeCache(pool, {"cacheName": "yours"})
    with refused(403, "InsufficientScopes"):
        some.purge_cache.allPurgeRequests()
    with refused(403, "InsufficientScopes") as info:
        some.purge_cache.purgeRequests(pool)
    assert f"purge-cache:purge-requests::{pool}" in str(info.value)


def test_ping(root):
    assert root.purge_cache.ping()["alive"] is True

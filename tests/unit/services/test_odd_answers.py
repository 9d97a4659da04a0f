"""Each call of a service, answered as no service answers: nothing but an error of ours comes out."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odd_answers import as_body, changed, mutate, odd_values, paths_in

from airflow_provider_taskcluster.common.network import Network
from airflow_provider_taskcluster.common.retry import RetryPolicy
from airflow_provider_taskcluster.exceptions import TaskclusterError, UnreadableAnswer
from airflow_provider_taskcluster.services.artifacts import Artifacts
from airflow_provider_taskcluster.services.auth import Auth
from airflow_provider_taskcluster.services.client import Client
from airflow_provider_taskcluster.services.index import Index
from airflow_provider_taskcluster.services.notify import Notify
from airflow_provider_taskcluster.services.objects import Objects
from airflow_provider_taskcluster.services.purge_cache import PurgeCache
from airflow_provider_taskcluster.services.secrets import Secrets
from airflow_provider_taskcluster.services.tasks import Tasks

TASK = "fN1SbArXTPSVFNUvaOlinQ"
THEN = "2030-01-01T00:00:00.000Z"
STATUS = {
    "status": {
        "taskId": TASK,
        "state": "completed",
        "runs": [{"runId": 0, "state": "completed", "reasonResolved": "completed", "scheduled": THEN, "started": THEN}],
    }
}
ARTIFACT = {"storageType": "s3", "name": "a", "expires": THEN, "contentType": "a/b", "contentLength": 7}
CREDENTIALS = {"clientId": "c", "accessToken": "c0ffee", "certificate": "{}"}
UPLOAD = {"projectId": "p", "uploadId": "c0ffee", "expires": THEN}
PUT = {"url": "https://h/a?sig=c0ffee", "expires": THEN, "headers": {"Content-Type": "a/b"}}
GRANT = {"method": "getUrl", "url": "https://h/a?sig=c0ffee", "expires": THEN, "hashes": {"sha256": "ab" * 32}}
INDEXED = {"namespace": "a.b", "taskId": TASK, "rank": 1, "data": {"a": [1]}, "expires": THEN}
PURGE = {"provisionerId": "p", "workerType": "w", "cacheName": "c", "before": THEN}


async def listed(iterator):
    return [item async for item in iterator]


CALLS = {
    "status": (lambda client: Tasks(client).status(TASK), STATUS),
    "statuses": (lambda client: Tasks(client).statuses([TASK]), {"statuses": [STATUS]}),
    "group": (lambda client: listed(Tasks(client).group(TASK)), {"tasks": [{"task": {}, **STATUS}]}),
    "info": (lambda client: Artifacts(client).info(TASK, "a", 0), ARTIFACT),
    "artifacts": (lambda client: listed(Artifacts(client).pages(TASK, 0)), {"artifacts": [ARTIFACT]}),
    "s3": (lambda client: Artifacts(client).content(TASK, "a", 0), {"storageType": "s3", "url": PUT["url"]}),
    "error": (
        lambda client: Artifacts(client).content(TASK, "a", 0),
        {"storageType": "error", "reason": "r", "message": "m"},
    ),
    "object artifact": (
        lambda client: Artifacts(client).content(TASK, "a", 0),
        {"storageType": "object", "name": "a", "credentials": CREDENTIALS},
    ),
    "new s3": (
        lambda client: Artifacts(client).create(TASK, 0, "a", {"storageType": "s3"}, once=True),
        {"storageType": "s3", "putUrl": PUT["url"], "expires": THEN, "contentType": "a/b"},
    ),
    "new object": (
        lambda client: Artifacts(client).create(TASK, 0, "a", {"storageType": "object"}, once=True),
        {"storageType": "object", "name": "a", "credentials": CREDENTIALS, **UPLOAD},
    ),
    "createUpload": (
        lambda client: Objects(client).create_upload("a", {}),
        {"uploadMethod": {"putUrl": PUT}, **UPLOAD},
    ),
    "startDownload": (lambda client: Objects(client).start_download("a", {}), GRANT),
    "object": (lambda client: Objects(client).metadata("a"), {**UPLOAD, "hashes": GRANT["hashes"]}),
    "finishUpload": (lambda client: Objects(client).finish_upload("a", {}), {}),
    "index": (lambda client: Index(client).find_task("a.b"), INDEXED),
    "indexed tasks": (lambda client: Index(client).find_tasks(["a.b"]), {"tasks": [INDEXED]}),
    "secret": (lambda client: Secrets(client).get("a"), {"secret": {"a": 1}, "expires": THEN}),
    "notification": (lambda client: Notify(client).send("email", {}), "OK"),
    "purge requests": (lambda client: PurgeCache(client).requests("a/b"), {"requests": [PURGE]}),
    "all purge requests": (lambda client: listed(PurgeCache(client).all_requests()), {"requests": [PURGE]}),
    "scopes": (lambda client: Auth(client).current_scopes(), {"scopes": ["a"]}),
}


def fit_for_a_log(error):
    assert str(error).isprintable()
    assert len(str(error)) < 1000
    assert "c0ffee" not in str(error)
    return error


@pytest.fixture
def ask(server):
    """Make calls of a service that answers with a body."""
    runner = asyncio.Runner()
    client = Client(server.url, None, network=Network(proxies={}, retry=RetryPolicy(max_retries=0)))

    def asked(call, body, status=200):
        server.body, server.status = body, status
        try:
            return runner.run(call(client))
        except TaskclusterError as error:
            return fit_for_a_log(error)

    yield asked
    runner.run(client.close())
    runner.close()


with_fixture = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.mark.parametrize("name", CALLS)
def test_whatever_a_service_answers_only_an_error_of_ours_comes_out(ask, name):
    call, good = CALLS[name]
    assert not isinstance(ask(call, as_body(good)), TaskclusterError)

    @with_fixture
    @given(st.data())
    def check(data):
        found = ask(call, mutate(data.draw, json.dumps(good)))
        if not isinstance(found, TaskclusterError):
            # What was let in can go on as JSON.
            json.dumps(found, default=str).encode()

    check()


@with_fixture
@given(st.data(), st.sampled_from([300, 400, 401, 403, 404, 409, 424, 500]))
def test_whatever_an_error_answer_says_it_is_an_error_of_ours(ask, data, status):
    good = json.dumps(
        {"code": "InputError", "message": "missing the following scopes:\n\n```\na\n```", "requestInfo": {}}
    )
    assert isinstance(ask(CALLS["object"][0], mutate(data.draw, good), status), TaskclusterError)


@pytest.mark.parametrize("path", [path for path in paths_in(CALLS["statuses"][1]) if len(path) > 1], ids=str)
def test_an_odd_status_does_not_hide_the_others(ask, path):
    other = "A" * 21 + "Q"
    good = CALLS["statuses"][1]

    @with_fixture
    @given(odd_values)
    def check(value):
        answer = changed(good, path, value)
        answer["statuses"].append(changed(STATUS, ("status", "taskId"), other))
        found = ask(lambda client: Tasks(client).statuses([TASK, other]), as_body(answer))
        assert isinstance(found, UnreadableAnswer) or found[other]["state"] == "completed"
        assert isinstance(found, UnreadableAnswer) or TASK in found or isinstance(value, str)

    check()


@pytest.mark.parametrize("charset", ["utf-16", "hex", "no-such-charset", "latin-1"])
def test_a_charset_that_is_none_is_no_crash(ask, server, charset):
    server.headers = {"Content-Type": f"application/json; charset={charset}"}
    for status in (200, 404):
        found = ask(CALLS["object"][0], b'{"a": "\xe4"}', status)
        assert isinstance(found, TaskclusterError)


def test_a_call_that_cannot_be_sent_asks_for_a_report(ask):
    found = ask(lambda client: Objects(client).finish_upload("a", {"b": {1}}), b"{}")
    assert "finishUpload 'a' at " in str(found)
    assert str(found).endswith("; please report this")


def test_a_field_that_is_odd_is_named_with_the_call(ask):
    found = ask(CALLS["status"][0], as_body(changed(STATUS, ("status", "runs", 0, "runId"), "c\n0")))
    assert isinstance(found, UnreadableAnswer)
    assert f"queue.status '{TASK}' got JSON that is not Taskcluster's" in str(found)
    assert r"(status.runs[0].runId is the text 'c\n0', not a whole number, 0 or more)" in str(found)

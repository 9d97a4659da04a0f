"""Any call of any service through the hook, and Taskcluster's own client with its connection."""

from __future__ import annotations

import pytest
import taskcluster
from scripted_api import scripted_api
from taskcluster.exceptions import TaskclusterRestFailure

from airflow_provider_taskcluster.exceptions import (
    ConnectionFailed,
    InsufficientScopes,
    InvalidInput,
    NotFound,
    ServiceError,
    ServiceUnavailable,
)
from airflow_provider_taskcluster.services.upstream import class_names


@pytest.fixture
def api(tc):
    with scripted_api(tc.root_url) as api:
        yield api


def test_every_service_of_the_package_has_its_name():
    assert {"auth", "github", "hooks", "index", "notify", "object", "purge-cache", "queue", "secrets"} < set(
        class_names()
    )
    assert class_names()["worker-manager"] == "WorkerManager"


def test_a_call_takes_arguments_payload_and_query(hook, run):
    assert hook.call("queue", "status", run.task_id)["status"]["taskId"] == run.task_id
    assert hook.call("queue", "statuses", payload={"taskIds": [run.task_id]})["statuses"]
    for number in range(3):
        run.add(f"public/{number}", b"data", storage_type="s3")
    page = hook.call("queue", "listArtifacts", run.task_id, run.run_id, query={"limit": 2})
    assert len(page["artifacts"]) == 2
    query = {"limit": 2, "continuationToken": page["continuationToken"]}
    assert len(hook.call("queue", "listArtifacts", run.task_id, run.run_id, query=query)["artifacts"]) == 1


def test_a_call_without_an_answer_is_none(hook):
    assert hook.call("purge-cache", "purgeCache", "proj/pool", payload={"cacheName": "x"}) is None
    assert [found["cacheName"] for found in hook.purge_requests("proj/pool")] == ["x"]


def test_names_with_slashes_and_odd_characters_are_one_argument(hook, name, expires):
    odd = f"{name}/a b#c?d%e"
    hook.upload_object(b"data", odd, expires=expires)
    assert hook.call("object", "object", odd)["projectId"] == "tests"


def test_the_body_of_a_redirect_is_the_answer(hook, run):
    run.add("public/a", b"data", storage_type="s3")
    assert hook.call("queue", "getArtifact", run.task_id, run.run_id, "public/a")["url"].startswith("http")


def test_errors_are_those_of_the_provider(hook, holding, run, name, connect):
    with pytest.raises(NotFound):
        hook.call("object", "object", name)
    with pytest.raises(InsufficientScopes, match=f"queue:status:{run.task_id}"):
        holding("object:*").call("queue", "status", run.task_id)
    with pytest.raises(ServiceError):  # the emulator has none
        hook.call("secrets", "get", "project/my-team/key")
    with pytest.raises(ConnectionFailed):
        connect("tc_nowhere", host="http://127.0.0.1:1").call("auth", "ping")


def test_what_fails_for_the_moment_is_asked_again(connect, api, run):
    hook = connect(host=api.url)
    api.add("/status", 503, times=2)
    assert hook.call("queue", "status", run.task_id)
    api.add("/status", 503, times=100)
    with pytest.raises(ServiceUnavailable):
        hook.call("queue", "status", run.task_id)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (("nope", "ping"), "no service 'nope': name auth or github or hooks or index"),
        (("PurgeCache", "ping"), "no service 'PurgeCache'"),
        (("queue", "createtask"), r"queue has no method 'createtask': did you mean createTask"),
        (("queue", "zzzz"), r"queue has no method 'zzzz'; it has .*cancelTask"),
        (("queue", "status"), "queue.status takes taskId, and got none"),
        (("queue", "ping", "x"), "queue.ping takes no arguments, and got 'x'"),
        (("queue", "status", ""), "taskId of queue.status is ''"),
        (("queue", "status", None), "taskId of queue.status is None"),
        (("object", "object", ".."), "name of object.object is '..'"),
        (("queue", "createTask", "x"), r"queue.createTask takes a payload \(v1/create-task-request.json#\)"),
    ],
)
def test_calls_that_cannot_be_are_refused_before_anything_is_sent(hook, tc, call, message):
    with pytest.raises(InvalidInput, match=message):
        hook.call(*call)
    assert not list(tc.journal)


def test_payloads_and_options_that_nobody_reads_are_refused(hook, tc, run):
    tc.journal.clear()
    with pytest.raises(InvalidInput, match=r"queue.status takes no payload"):
        hook.call("queue", "status", run.task_id, payload={})
    with pytest.raises(InvalidInput, match="no query option 'page'; it takes continuationToken, limit"):
        hook.call("queue", "listArtifacts", run.task_id, 0, query={"page": 2})
    assert not list(tc.journal)


@pytest.fixture
def upstream(hook):
    made = []

    def client(service, of=hook):
        made.append(of.upstream(service))
        return made[-1]

    yield client
    for client in made:
        client.session.close()


def test_the_upstream_client_has_the_connection(upstream, run, name, tc):
    queue = upstream("queue")
    assert isinstance(queue, taskcluster.Queue)
    assert queue.status(run.task_id)["status"]["taskId"] == run.task_id
    assert upstream("purge-cache").purgeCache("proj/upstream", {"cacheName": "x"}) is None
    assert upstream("worker-manager").options["rootUrl"] == tc.root_url
    with pytest.raises(TaskclusterRestFailure) as caught:
        upstream("object").object(name)
    assert caught.value.status_code == 404


def test_each_upstream_client_is_a_new_one(upstream):
    one, other = upstream("queue"), upstream("queue")
    one.options["credentials"]["accessToken"] = b"changed"
    assert other.options["credentials"]["accessToken"] != b"changed"


def test_the_upstream_client_keeps_within_authorized_scopes(upstream, connect, run):
    limited = connect("tc_within", extra={"authorized_scopes": "object:*"})
    with pytest.raises(TaskclusterRestFailure) as caught:
        upstream("queue", limited).status(run.task_id)
    assert caught.value.status_code == 403


def test_the_upstream_client_of_an_anonymous_connection_signs_nothing(upstream, connect, tc):
    assert upstream("auth", connect("tc_anonymous", login=None, password=None)).ping()["alive"]
    assert "authorization" not in tc.journal.entries(path="/api/auth/v1/ping")[-1].headers


def test_there_is_no_upstream_client_of_nothing(hook):
    with pytest.raises(InvalidInput, match="no service 'nope'"):
        hook.upstream("nope")

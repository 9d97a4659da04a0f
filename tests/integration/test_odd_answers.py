"""Transfers and checks with one malformed service response give right data, or an error of ours."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odd_answers import mutation
from scripted_api import scripted_api

from airflow_provider_taskcluster.exceptions import TaskclusterError, UnreadableAnswer
from airflow_provider_taskcluster.waits.conditions.artifacts import ArtifactWait
from airflow_provider_taskcluster.waits.conditions.index import IndexWait
from airflow_provider_taskcluster.waits.conditions.objects import ObjectWait
from airflow_provider_taskcluster.waits.conditions.tasks import TaskGroupWait, TaskWait

DATA = os.urandom(20_000)
EXPIRES = datetime.now(UTC) + timedelta(days=1)


class OneOdd:
    """Changes the answer with a number; counts them."""

    def __init__(self):
        self.clear(lambda body: body)

    def clear(self, make, at=-1):
        self.make, self.at, self.seen, self.lock = make, at, [], threading.Lock()

    def __call__(self, body):
        with self.lock:
            self.seen.append(body)
            return self.make(body) if len(self.seen) - 1 == self.at else body


@pytest.fixture
def odd(tc, connect):
    """A hook, and what makes one of the answers odd that it gets."""
    with scripted_api(tc.root_url) as api:
        change = OneOdd()
        api.add("/api/", times=float("inf"), change=change)
        yield connect("tc_odd", host=api.url, extra={"max_retries": 0, "read_timeout": 5}), change


@pytest.fixture
def there(hook, worker, name, expires):
    """What the calls are about."""
    run = worker.claim(worker.create_task())
    run.add("public/object", DATA)
    run.add("public/s3", DATA, storage_type="s3")
    run.add("public/odd name", DATA)
    run.add_error("public/error", "no such\nfile")
    hook.upload_object(DATA, name, expires=expires)
    hook.upload_object(DATA, f"{name}-parts", expires=expires, multipart="always", part_size=10_000)
    return run


OBJECT = {
    "storageType": "object",
    "name": "a",
    "projectId": "p",
    "uploadId": "u",
    "expires": EXPIRES.isoformat(),
    "credentials": {"clientId": "c", "accessToken": "t"},
}
S3 = {"storageType": "s3", "putUrl": "http://127.0.0.1:1/a", "expires": EXPIRES.isoformat(), "contentType": "a/b"}


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        *(("s3", answer) for answer in (OBJECT, {"storageType": "reference"}, {"storageType": "error"})),
        *(("object", answer) for answer in (S3, {"storageType": "reference"}, {"storageType": "link"})),
    ],
    ids=lambda value: value if isinstance(value, str) else value["storageType"],
)
def test_a_new_artifact_of_another_storage_type_than_asked_for_is_refused(odd, there, expires, asked, answered):
    hook, change = odd
    change.clear(lambda _: json.dumps(answered).encode(), at=0)
    with pytest.raises(UnreadableAnswer, match=f"storageType is the text .*, not one of {asked}"):
        hook.upload_artifact(DATA, there.task_id, there.run_id, "public/new", expires=expires, storage_type=asked)


@pytest.mark.parametrize("name", ["public/s3", "public/odd name"])
@pytest.mark.parametrize("answered", ["redirect", "plain URL", "error", "quantum"])
@pytest.mark.parametrize("more", [{}, {"url": "http://127.0.0.1:1/chosen"}], ids=["alone", "with a URL"])
def test_a_storage_type_that_is_none_leads_nowhere(odd, there, name, answered, more):
    hook, change = odd
    body = json.dumps({"storageType": answered, **more}).encode()
    for at in range(2):  # the content, and where the name is odd, the redirect
        change.clear(lambda _: body, at=at)
        with contextlib.suppress(UnreadableAnswer):
            assert hook.read_artifact(there.task_id, name, run_id=there.run_id) == DATA
        assert len(change.seen) > at or name == "public/s3"


def found(hook, wait):
    verdict = hook.look(wait)
    return getattr(verdict, "result", None)


def verbs(hook, run, name, folder):
    """What can be done, each with a test of its outcome."""
    task = run.task_id
    return {
        "read object": lambda: hook.read_object(name) == DATA,
        "read parts": lambda: hook.read_object(f"{name}-parts") == DATA,
        "open object": lambda: hook.open_object(name).read() == DATA,
        "upload object": lambda: hook.upload_object(DATA, f"{name}-{os.urandom(8).hex()}", expires=EXPIRES).size,
        "upload again": lambda: hook.upload_object(DATA, name, expires=EXPIRES).size,
        "upload parts": lambda: (
            hook.upload_object(
                DATA, f"{name}-{os.urandom(8).hex()}", expires=EXPIRES, multipart="always", part_size=10_000
            ).size
        ),
        "object artifact": lambda: hook.read_artifact(task, "public/object") == DATA,
        "s3 artifact": lambda: hook.read_artifact(task, "public/s3") == DATA,
        "odd name": lambda: hook.read_artifact(task, "public/odd name") == DATA,
        "error artifact": lambda: hook.read_artifact(task, "public/error"),
        "upload artifact": lambda: (
            hook.upload_artifact(DATA, task, run.run_id, f"public/{os.urandom(8).hex()}", expires=EXPIRES).size
        ),
        "upload s3 artifact": lambda: (
            hook.upload_artifact(
                DATA, task, run.run_id, f"public/{os.urandom(8).hex()}", expires=EXPIRES, storage_type="s3"
            ).size
        ),
        "payload": lambda: (
            [
                file.size
                for file in hook.open_payload(task).download(folder, exclude="**/error", if_exists="overwrite").files
            ]
            == [len(DATA)] * 3
        ),
        "list": lambda: [json.dumps(info) for info in hook.list_artifacts(task)],
        "purge requests": lambda: json.dumps(hook.all_purge_requests()),
        "wait for an artifact": lambda: found(hook, ArtifactWait(task_id=task, names=["public/s3", "public/object"])),
        "wait for an error": lambda: found(hook, ArtifactWait(task_id=task, names=["public/error"])),
        "wait for an object": lambda: found(hook, ObjectWait(names=[name])),
        "wait for a task": lambda: found(hook, TaskWait(task_ids=[task], states=["running"])),
        "wait for tasks": lambda: found(hook, TaskWait(task_ids=[task, task[::-1]], states=["running"])),
        "wait for a group": lambda: found(hook, TaskGroupWait(task_group_id=task, states=["completed"])),
        "wait for the index": lambda: found(
            hook, IndexWait(index_path="tests.odd-answers", newer_than="2020-01-01T00:00:00Z")
        ),
    }


NAMES = tuple(verbs(None, type("Run", (), {"task_id": "t", "run_id": 0}), "", ""))
with_fixtures = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.parametrize("verb", NAMES)
def test_one_odd_answer_ends_in_right_data_or_in_an_error_of_ours(tc, odd, there, name, tmp_path, verb):
    hook, change = odd
    tc.bulk.create(1, state="completed", routes=["index.tests.odd-answers"])
    act = verbs(hook, there, name, tmp_path / "payload")[verb]
    with contextlib.suppress(TaskclusterError):
        act()
    answers = list(change.seen)
    assert answers

    @with_fixtures
    @given(st.data(), st.integers(0, len(answers) - 1))
    def check(data, at):
        change.clear(mutation(data.draw, answers[at]), at)
        try:
            result = act()
        except TaskclusterError as error:
            fit_for_a_log(error)
        else:
            assert result is not False
            json.dumps(result).encode()

    check()


def fit_for_a_log(error):
    assert str(error).isprintable()
    assert "c0ffee" not in str(error)
    assert len(str(error)) < 4100

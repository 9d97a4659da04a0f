from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pendulum
import pytest

from airflow_provider_taskcluster.common.timestamps import iso_timestamp
from airflow_provider_taskcluster.services import readers, schemas
from airflow_provider_taskcluster.services.readers import SchemaMismatch
from airflow_provider_taskcluster.services.shapes import DEEPEST, object_of, shallow
from airflow_provider_taskcluster.transfer.download.location import PLAIN_URL

THEN = "2030-01-01T00:00:00.000Z"
STATUS = {"taskId": "t", "state": "pending", "runs": [{"runId": 0, "state": "pending"}]}
INDEXED = {"namespace": "a.b", "taskId": "t", "rank": 0.5, "data": {}, "expires": THEN}
ARTIFACT = {"storageType": "s3", "name": "a", "expires": THEN, "contentType": "text/plain"}
CREDENTIALS = {"clientId": "c", "accessToken": "c0ffee", "certificate": "{}"}
PUT = {"url": "https://host/a?sig=c0ffee", "expires": THEN, "headers": {"Content-Type": "a/b"}}
UPLOAD = {"projectId": "p", "uploadId": "u", "expires": THEN, "uploadMethod": {"putUrl": PUT}}
CREATED = {"storageType": "s3", "putUrl": "https://host/a", "expires": THEN, "contentType": "a/b"}
CREATED_OBJECT = {
    "storageType": "object",
    "name": "a",
    "projectId": "p",
    "uploadId": "u",
    "expires": THEN,
    "credentials": CREDENTIALS,
}
MOMENT = datetime(2030, 5, 1, 12, 0, 0, 123_000, tzinfo=UTC)


@pytest.mark.parametrize(
    "moment",
    [MOMENT, MOMENT.astimezone(timezone(timedelta(hours=2))), pendulum.instance(MOMENT).in_timezone("Asia/Tokyo")],
    ids=repr,
)
def test_instants_are_written_as_the_services_write_them(moment):
    assert iso_timestamp(moment) == "2030-05-01T12:00:00.123Z"


def test_whole_seconds_have_milliseconds_too():
    assert iso_timestamp(datetime(2030, 1, 1, tzinfo=UTC)) == "2030-01-01T00:00:00.000Z"


def nested(depth):
    value = {}
    for _ in range(depth):
        value = {"a": [value]}
    return value


def test_an_answer_has_the_fields_that_are_due_and_may_have_more():
    read = object_of({"scopes": readers.text}, {"maybe": readers.whole})
    assert read({"scopes": "a", "more": 1}) == {"scopes": "a", "more": 1}
    assert read({"scopes": "a", "maybe": None}) == {"scopes": "a"}, "null is missing"
    for other in (None, [], {}, "scopes", {"scopes": None}, {"scopes": "a", "maybe": "b"}):
        with pytest.raises(SchemaMismatch):
            read(other)


@pytest.mark.parametrize(
    ("read", "good", "bad"),
    [
        (schemas.CONTENT, {"storageType": "s3", "url": "https://host"}, {"storageType": "s3"}),
        (schemas.CONTENT, {"storageType": "reference", "url": "any text"}, {"storageType": "s3", "url": "ftp://host"}),
        (
            schemas.CONTENT,
            {"storageType": "object", "name": "a", "credentials": CREDENTIALS},
            {"storageType": "object", "name": "a", "credentials": {**CREDENTIALS, "certificate": "{"}},
        ),
        (schemas.CONTENT, {"storageType": "error", "reason": "a", "message": "b"}, {"storageType": "error"}),
        (schemas.CONTENT, {"storageType": "s3", "url": "https://host"}, {"storageType": None}),
        *(
            (read, good, {**good, "storageType": kind})
            for read, good in [
                (schemas.CONTENT, {"storageType": "s3", "url": "https://host"}),
                (schemas.REDIRECT, {"storageType": "object", "url": "https://host"}),
                (schemas.created_artifact("s3"), CREATED),
            ]
            for kind in ("quantum", "redirect", "link", PLAIN_URL)
        ),
        (
            schemas.REDIRECT,
            {"storageType": "reference", "url": "any text"},
            {"storageType": "error", "url": "https://h"},
        ),
        (schemas.created_artifact("s3"), CREATED, {**CREATED, "storageType": "reference"}),
        (schemas.created_artifact("s3"), CREATED, {**CREATED_OBJECT, "storageType": "object"}),
        (schemas.created_artifact("object"), CREATED_OBJECT, CREATED),
        (schemas.created_artifact("object"), CREATED_OBJECT, {"storageType": "error"}),
        (schemas.created_artifact("reference"), {"storageType": "reference"}, CREATED),
        (schemas.created_artifact("None"), {"storageType": "None"}, CREATED),
        (
            schemas.DOWNLOAD,
            {"method": "getUrl", "url": "http://h", "expires": THEN, "hashes": {"md5": "any", "sha256": "aB" * 32}},
            {"method": "getUrl", "url": "http://h", "expires": THEN, "hashes": {"sha256": "ab"}},
        ),
        (schemas.DOWNLOAD, {"method": "simple", "url": "https://h"}, {"method": "simple", "url": "https://u:p@h"}),
        (schemas.DOWNLOAD, {"method": "simple", "url": "https://h"}, {"method": "quantum", "url": "https://h"}),
        (schemas.CREATED_UPLOAD, UPLOAD, {**UPLOAD, "uploadMethod": {"putUrl": {**PUT, "headers": {"a": "b\r\nc"}}}}),
        (schemas.CREATED_UPLOAD, {**UPLOAD, "uploadMethod": {}}, {**UPLOAD, "uploadMethod": {"putUrl": "u"}}),
        (schemas.ARTIFACTS, {"artifacts": [ARTIFACT]}, {"artifacts": [{**ARTIFACT, "name": "a\nb"}]}),
        (schemas.ARTIFACTS, {"artifacts": [], "continuationToken": ""}, {"artifacts": [], "continuationToken": {}}),
        (schemas.ARTIFACT, {**ARTIFACT, "contentLength": None}, {**ARTIFACT, "contentLength": -1}),
        (schemas.ARTIFACT, {**ARTIFACT, "contentLength": 0}, {**ARTIFACT, "contentLength": True}),
        (schemas.ARTIFACT, {**ARTIFACT, "contentLength": 1}, {**ARTIFACT, "contentLength": 10**30}),
        (schemas.STATUS, {"status": STATUS}, {"status": None}),
        (schemas.STATUS, {"status": {**STATUS, "runs": []}}, {"status": {**STATUS, "runs": [{"state": "running"}]}}),
        (schemas.STATUSES, {"statuses": [{}]}, {"statuses": {}}),
        (schemas.TASK_GROUP, {"tasks": [{"status": STATUS}]}, {"tasks": [STATUS]}),
        (schemas.INDEXED_TASK, INDEXED, {**INDEXED, "rank": "0"}),
        (schemas.INDEXED_TASK, {**INDEXED, "rank": 3}, {**INDEXED, "taskId": None}),
        (schemas.INDEXED_TASK, {**INDEXED, "data": nested(20)}, {**INDEXED, "data": nested(DEEPEST)}),
        (schemas.INDEXED_TASK, {**INDEXED, "rank": -1e9}, {**INDEXED, "rank": float("nan")}),
        (schemas.INDEXED_TASK, INDEXED, {**INDEXED, "expires": "2030-01-01T00:00:00"}),
        (schemas.NO_CONTENT, None, []),
        (schemas.NO_CONTENT, {}, "ok"),
    ],
    ids=lambda value: getattr(value, "__name__", repr(value)),
)
def test_what_is_due_depends_on_the_kind_of_the_answer(read, good, bad):
    assert read(good) in (good, {key: item for key, item in (good or {}).items() if item is not None}, None)
    with pytest.raises(SchemaMismatch):
        read(bad)


def test_what_tasks_write_freely_comes_out_fit_for_a_log():
    found = schemas.ARTIFACT({**ARTIFACT, "contentType": "text/plain\n\x1b[31mforged"})
    assert found["contentType"] == r"text/plain\n\x1b[31mforged"
    found = schemas.CONTENT({"storageType": "error", "reason": "a\nb", "message": "see https://h/p?sig=c0ffee\u202e"})
    assert (found["reason"], found["message"]) == (r"a\nb", "see https://h/p?...")


@pytest.mark.parametrize(
    ("read", "answer", "said"),
    [
        (schemas.STATUS, {"status": {**STATUS, "runs": [{"runId": 0}]}}, "status.runs[0].state is missing"),
        (schemas.OBJECT, {"projectId": 7}, "projectId is the number 7, not a text of 1 to 4096 characters that print"),
        (schemas.SCOPES, {"scopes": ["a", None]}, "scopes[1] is null, not a text"),
        (schemas.CONTENT, {"storageType": "q"}, "storageType is the text 'q', not one of s3, reference, object, error"),
        (schemas.SCOPES, {"scopes": {}}, "scopes is an object, not a list"),
        (schemas.SCOPES, [], "it is a list, not an object"),
        (schemas.ALIVE, {"alive": 10**500}, "alive is a huge number, not true or false"),
        (schemas.ALIVE, {"alive": "a\nb" * 99}, r"alive is the text 'a\nba"),
        (schemas.CONTENT, {"storageType": "s3", "url": "c0ffee"}, "url is no URL that can be fetched (its scheme"),
        (schemas.CREATED_UPLOAD, {**UPLOAD, "uploadId": "c0ffee\n"}, "uploadId is not a text of printable ASCII"),
        (schemas.hashes, {"a\n" + "b" * 99: "c"}, r"a key is the text 'a\nbbb"),
        (schemas.hashes, {"b" * 99: 7}, "b" * 40 + "... is the number 7"),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_an_error_names_the_field_and_what_came_instead_and_no_secret(read, answer, said):
    with pytest.raises(SchemaMismatch) as caught:
        read(answer)
    assert str(caught.value).startswith(said)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200
    assert "c0ffee" not in str(caught.value)


def test_an_object_of_anything_is_looked_at_without_recursion():
    with pytest.raises(SchemaMismatch, match="nested more than"):
        shallow(nested(50_000))

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pendulum
import pytest

from airflow_provider_taskcluster.moments import timestamp
from airflow_provider_taskcluster.services.answers import (
    has_task_status,
    having,
    is_content,
    is_download_grant,
    is_indexed_task,
    is_page_of_statuses,
    is_page_of_task_group,
)

STATUS = {"taskId": "t", "state": "pending", "runs": [{"runId": 0, "state": "pending"}]}
INDEXED = {"namespace": "a.b", "taskId": "t", "rank": 0.5, "data": {}, "expires": "e"}
MOMENT = datetime(2030, 5, 1, 12, 0, 0, 123_000, tzinfo=UTC)


@pytest.mark.parametrize(
    "moment",
    [MOMENT, MOMENT.astimezone(timezone(timedelta(hours=2))), pendulum.instance(MOMENT).in_timezone("Asia/Tokyo")],
    ids=repr,
)
def test_instants_are_written_as_the_services_write_them(moment):
    assert timestamp(moment) == "2030-05-01T12:00:00.123Z"


def test_whole_seconds_have_milliseconds_too():
    assert timestamp(datetime(2030, 1, 1, tzinfo=UTC)) == "2030-01-01T00:00:00.000Z"


def test_an_answer_has_the_fields_that_are_due_and_may_have_more():
    fits = having(scopes=list)
    assert fits({"scopes": [], "more": 1})
    for other in (None, [], {}, "scopes", {"scopes": None}, {"scopes": "a"}):
        assert not fits(other)


@pytest.mark.parametrize(
    ("fits", "good", "bad"),
    [
        (is_content, {"storageType": "s3", "url": "https://host"}, {"storageType": "s3"}),
        (is_content, {"storageType": "object", "name": "a", "credentials": {}}, {"storageType": "object", "name": "a"}),
        (is_content, {"storageType": "error", "reason": "a", "message": "b"}, {"storageType": "error"}),
        (is_content, {"storageType": "of the future"}, {"storageType": None}),
        (is_download_grant, {"method": "getUrl", "url": "u", "expires": "e", "hashes": {}}, {"method": "getUrl"}),
        (is_download_grant, {"method": "simple", "url": "u"}, {"method": "simple", "url": None}),
        (is_download_grant, {"method": "of the future"}, {}),
        (has_task_status, {"status": STATUS}, {"status": None}),
        (has_task_status, {"status": {**STATUS, "runs": []}}, {"status": {**STATUS, "runs": [{"state": "running"}]}}),
        (is_page_of_statuses, {"statuses": []}, {"statuses": {}}),
        (is_page_of_statuses, {"statuses": [{"status": STATUS}]}, {"statuses": [{"status": STATUS}, {}]}),
        (is_page_of_task_group, {"tasks": [{"status": STATUS}]}, {"tasks": [STATUS]}),
        (is_indexed_task, INDEXED, {**INDEXED, "rank": "0"}),
        (is_indexed_task, {**INDEXED, "rank": 3}, {**INDEXED, "taskId": None}),
    ],
    ids=repr,
)
def test_what_is_due_depends_on_the_kind_of_the_answer(fits, good, bad):
    assert fits(good)
    assert not fits(bad)

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pendulum
import pytest

from airflow_provider_taskcluster.services.answers import instant, timestamp

MOMENT = datetime(2030, 5, 1, 12, 0, 0, 123_000, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2030-05-01T12:00:00.123Z", "2030-05-01T14:00:00.123+02:00"])
def test_any_spelling_of_an_instant_is_read_in_utc(text):
    assert instant(text) == MOMENT
    assert instant(text).tzinfo is UTC


@pytest.mark.parametrize(
    "moment",
    [MOMENT, MOMENT.astimezone(timezone(timedelta(hours=2))), pendulum.instance(MOMENT).in_timezone("Asia/Tokyo")],
    ids=repr,
)
def test_instants_are_written_as_the_services_write_them(moment):
    assert timestamp(moment) == "2030-05-01T12:00:00.123Z"


def test_whole_seconds_have_milliseconds_too():
    assert timestamp(datetime(2030, 1, 1, tzinfo=UTC)) == "2030-01-01T00:00:00.000Z"

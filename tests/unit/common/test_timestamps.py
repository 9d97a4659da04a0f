from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from airflow_provider_taskcluster.common.timestamps import utc_datetime, utc_datetime_after
from airflow_provider_taskcluster.exceptions import InvalidInput

WEST, EAST = timezone(timedelta(hours=-5)), timezone(timedelta(hours=5))


def test_a_moment_is_utc_in_whole_milliseconds():
    found = utc_datetime(datetime(2030, 5, 1, 7, 0, 0, 123_999, tzinfo=WEST), "x")
    assert found == datetime(2030, 5, 1, 12, 0, 0, 123_000, tzinfo=UTC)
    assert found.tzinfo is UTC


@pytest.mark.parametrize("value", [datetime.max.replace(tzinfo=WEST), datetime.min.replace(tzinfo=EAST)], ids=repr)
def test_a_moment_beyond_the_calendar_is_refused(value):
    with pytest.raises(InvalidInput, match=r"^since is .* beyond the calendar"):
        utc_datetime(value, "since")


@pytest.mark.parametrize("value", [None, "2030-01-01T00:00:00Z", 7, datetime(2030, 1, 1)], ids=repr)  # noqa: DTZ001
def test_anything_but_a_datetime_with_a_zone_is_refused(value):
    with pytest.raises(InvalidInput, match=r"^since must be a datetime with a time zone, not"):
        utc_datetime(value, "since")


def test_a_timedelta_leads_on_from_a_start_and_a_datetime_stays():
    start = datetime(2030, 5, 1, 7, 0, 0, 123_999, tzinfo=WEST)
    assert utc_datetime_after(start, timedelta(days=1), "x") == datetime(2030, 5, 2, 12, 0, 0, 123_000, tzinfo=UTC)
    assert utc_datetime_after(start, start, "x") == utc_datetime(start, "x")
    with pytest.raises(InvalidInput, match=r"^x is 99999.* days, .*which leads too far"):
        utc_datetime_after(start, timedelta.max, "x")
    with pytest.raises(InvalidInput, match=r"^x must be a datetime"):
        utc_datetime_after(start, "tomorrow", "x")

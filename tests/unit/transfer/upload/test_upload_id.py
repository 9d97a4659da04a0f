from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_taskcluster.common.names import SLUGID
from airflow_provider_taskcluster.transfer.upload.upload_id import derive_upload_id, random_upload_id

EXPIRES = datetime(2030, 5, 1, 12, 0, 0, 123_000, tzinfo=UTC)
USUAL = {
    "key": "secret",
    "root_url": "https://tc.example.com",
    "project_id": "project",
    "name": "a/b",
    "expires": EXPIRES,
    "sha256": "ab" * 32,
}


def identity(**changes):
    values = USUAL | changes
    return derive_upload_id(values.pop("key"), **values)


def test_every_try_computes_the_same_id():
    """Held to a fixed value: another formula would lock out the retries of uploads under way at an upgrade."""
    assert identity() == identity() == "PRfIsGnOSZSZ85BirXf9jg"


@pytest.mark.parametrize(
    "change",
    [
        {"key": "other"},
        {"root_url": "https://other.example.com"},
        {"project_id": "other"},
        {"name": "a/c"},
        {"expires": EXPIRES + timedelta(milliseconds=1)},
        {"sha256": "cd" * 32},
        {"project_id": "project\na/b", "name": ""},
    ],
    ids="+".join,
)
def test_another_ingredient_gives_another_id(change):
    assert identity(**change) != identity()


@pytest.mark.parametrize(
    "same",
    [
        EXPIRES.astimezone(timezone(timedelta(hours=5, minutes=30))),
        EXPIRES.replace(microsecond=123_999),
        pendulum.instance(EXPIRES),
        pendulum.instance(EXPIRES).in_timezone("America/New_York"),
    ],
    ids=repr,
)
def test_only_the_instant_in_milliseconds_counts(same):
    assert identity(expires=same) == identity()


@given(
    st.datetimes(timezones=st.just(UTC)), st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="ascii"))
)
def test_it_is_shaped_as_a_slugid(expires, key, name):
    slugid = identity(expires=expires, key=key, name=name.encode("ascii", "replace").decode())
    assert SLUGID.fullmatch(slugid)
    assert slugid[0].isalnum()


def test_random_ids_are_slugids_and_differ():
    ids = {random_upload_id() for _ in range(300)}
    assert len(ids) == 300
    assert all(SLUGID.fullmatch(slugid) and slugid[0].isalnum() for slugid in ids)

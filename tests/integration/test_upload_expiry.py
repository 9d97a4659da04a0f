"""Upload retries after the expiry of the existing object, and after its removal."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime, timedelta

import pytest
from multipart_tries import DATA, IN_PARTS, Tries, put_url, sent

from airflow_provider_taskcluster.exceptions import Conflict, InvalidInput, NotFound
from airflow_provider_taskcluster.transfer.upload.upload_id import random_upload_id

OTHER = os.urandom(len(DATA))
PAST = "past its expiry and cannot be read any more, but the service has not swept it yet"


@pytest.fixture
def soon():
    """When an object ends before its name is swept."""
    return datetime.now(UTC) + timedelta(minutes=30)


@pytest.fixture
def later():
    return datetime.now(UTC) + timedelta(days=3)


@pytest.mark.parametrize("if_exists", ["verify", "skip", "fail"])
@pytest.mark.parametrize("again", [DATA, OTHER], ids=["same content", "other content"])
def test_an_expired_object_is_not_taken_for_one_that_is_there(hook, name, tc, soon, later, if_exists, again):
    hook.upload_object(DATA, name, expires=soon)
    tc.clock.advance(hours=1)
    with pytest.raises(Conflict, match=PAST):
        hook.upload_object(again, name, expires=later, if_exists=if_exists)


def test_an_object_that_is_there_costs_two_more_calls_also_past_its_expiry(hook, name, tc, soon):
    hook.upload_object(DATA, name, expires=soon)
    tc.journal.clear()
    hook.upload_object(DATA, name, expires=soon)
    assert calls(tc) == ["upload", "finish-upload", "metadata"]
    tc.clock.advance(hours=1)
    tc.journal.clear()
    with pytest.raises(Conflict, match=PAST):
        hook.upload_object(DATA, name, expires=soon)
    assert calls(tc) == ["upload", "finish-upload", "metadata"]


def calls(tc):
    """Calls of the object service, in order."""
    return [entry.path.split("/v1/")[1].partition("/")[0] for entry in tc.journal.entries(origin="api")]


def test_the_upload_scope_alone_cannot_tell(hook, holding, name, tc, soon, later):
    """As much as it can see, the same content is there."""
    hook.upload_object(DATA, name, expires=soon)
    tc.clock.advance(hours=1)
    assert holding(f"object:upload:tests:{name}").upload_object(DATA, name, expires=later).already_present


@pytest.mark.parametrize("options", [{}, IN_PARTS], ids=["in one piece", "in parts"])
def test_when_it_is_swept_the_name_can_be_had_again(hook, name, tc, soon, options):
    hook.upload_object(DATA, name, expires=soon, **options)
    tc.clock.advance(hours=25)
    again = datetime.now(UTC) + timedelta(days=3)
    assert not hook.upload_object(OTHER, name, expires=again, **options).already_present
    assert hook.read_object(name) == OTHER


def test_an_unfinished_upload_of_somebody_else_is_over_after_a_day(hook, name, tc, later):
    hook.create_upload(
        name,
        upload_id=random_upload_id(),
        expires=later,
        hashes={"sha256": hashlib.sha256(OTHER).hexdigest()},
        proposed_upload_methods=put_url(len(OTHER)),
    )
    tc.clock.advance(hours=23)
    with pytest.raises(
        Conflict,
        match="or of somebody else, holds the name, for up to a day",
    ):
        hook.upload_object(DATA, name, expires=later)
    tc.clock.advance(hours=2)
    assert not hook.upload_object(DATA, name, expires=later).already_present
    assert hook.read_object(name) == DATA


def test_an_own_unfinished_upload_in_parts_that_was_swept_begins_anew(connect, name, tc, soon, later, tmp_path):
    """The expired upload of the table: what an earlier try has left, its record too, is no more."""
    tries = Tries(connect, name, soon, folder=tmp_path / "records")
    left = tries.leave(DATA, [0, 1])
    tc.clock.advance(hours=25)
    with pytest.raises(NotFound):
        connect().object_metadata(left.manifest.parts[0].name)
    tc.journal.clear()
    assert not tries.upload(DATA, expires=later).already_present
    assert sent(tc) == [0, 1, 2, 3, 4]
    assert tries.content() == DATA
    assert tries.records == []


def test_in_the_hook_a_timedelta_counts_from_now(hook, name, run):
    hook.upload_object(DATA, name, expires=timedelta(days=30))
    assert timedelta(days=29, hours=23) < left(hook.object_metadata(name)) < timedelta(days=30)
    hook.upload_artifact(DATA, run.task_id, run.run_id, "public/a", expires=timedelta(hours=2))
    hook.create_link_artifact(run.task_id, run.run_id, "public/link", "public/a", expires=timedelta(hours=2))
    for artifact in ("public/a", "public/link"):
        found = hook.artifact_info(run.task_id, artifact)
        assert timedelta(hours=1) < left(found) < timedelta(hours=2)


def left(found):
    return datetime.fromisoformat(found["expires"]) - datetime.now(UTC)


def test_a_timedelta_that_cannot_be_is_refused(hook, name, tc):
    for wrong, why in ((timedelta(0), "which is past"), (timedelta(days=-1), "is past"), (timedelta.max, "too far")):
        tc.journal.clear()
        with pytest.raises(InvalidInput, match=f"^expires is .*{why}"):
            hook.upload_object(DATA, name, expires=wrong)
        assert not list(tc.journal)
    with pytest.raises(InvalidInput, match="31 days"):
        hook.temporary_credentials([], timedelta(days=32))

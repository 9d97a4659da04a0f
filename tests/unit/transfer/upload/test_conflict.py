from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_taskcluster.common.timestamps import iso_timestamp
from airflow_provider_taskcluster.exceptions import (
    Conflict,
    InsufficientScopes,
    InvalidInput,
    NotFound,
    ServiceError,
    ServiceUnavailable,
)
from airflow_provider_taskcluster.transfer.upload.conflict import checked_if_exists, is_finished, resolve_conflict

OURS, THEIRS = {"sha256": "ab" * 32}, {"sha256": "cd" * 32, "sha512": "ef" * 64}
FINISH = {"projectId": "project", "uploadId": "fN1SbArXTPSVFNUvaOlinQ", "hashes": OURS}
CONFLICT = Conflict("object.createUpload 'a/b' failed", status=409, code="RequestConflict")


def other(status=409):
    """The answer to a finishUpload that is not ours to repeat."""
    return ServiceError("another", status=status)


@dataclass
class Service:
    """Gives the answers that the object service gave when it was asked; each is a value or an error.

    :param finish: To a finishUpload with our hashes.
    :param probe: To one with none.
    """

    finish: object = None
    metadata: object = field(default_factory=lambda: NotFound("none", status=404))
    probe: object = field(default_factory=other)
    life: timedelta = timedelta(days=1)
    calls: list = field(default_factory=list)

    def finish_upload(self, name, request):
        assert name == "a/b"
        if request["hashes"]:
            assert request == FINISH
            self._answer("finish", self.finish)
        else:
            assert request["projectId"] == "project"
            assert request["uploadId"] != FINISH["uploadId"]
            self._answer("probe", self.probe)

    def object_metadata(self, name):
        assert name == "a/b"
        hashes = self._answer("metadata", self.metadata)
        return {"hashes": hashes, "expires": iso_timestamp(datetime.now(UTC) + self.life)}

    def _answer(self, call, answer):
        self.calls.append(call)
        if isinstance(answer, Exception):
            raise answer
        return answer


def settled(service, if_exists="verify"):
    return resolve_conflict(service, "a/b", FINISH, if_exists, CONFLICT)


def reason(service, if_exists="verify"):
    with pytest.raises(Conflict) as caught:
        settled(service, if_exists)
    assert (caught.value.status, caught.value.code, caught.value.transient) == (409, "RequestConflict", False)
    assert caught.value.__cause__ is CONFLICT
    assert caught.value.unfinished == ("unfinished upload" in str(caught.value))
    before, _, why = str(caught.value).partition(". ")
    assert before == str(CONFLICT)
    return why


@pytest.mark.parametrize("if_exists", ["verify", "skip"])
@pytest.mark.parametrize(
    "metadata",
    [OURS, InsufficientScopes("no", status=403), ServiceUnavailable("out", status=503)],
    ids=["readable", "without the scope to look", "while nobody can look"],
)
def test_what_can_be_finished_again_with_equal_hashes_is_there_already(if_exists, metadata):
    """To know whether it has ended takes another scope than that of the upload, and is done without."""
    service = Service(metadata=metadata)
    assert settled(service, if_exists) == OURS
    assert service.calls == ["finish", "metadata"]


def test_of_a_part_that_is_there_nothing_more_is_asked():
    service = Service()
    assert resolve_conflict(service, "a/b", FINISH, "verify", CONFLICT, may_be_expired=False) == OURS
    assert service.calls == ["finish"]


PAST = "is past its expiry and cannot be read any more, but the service has not swept it yet, so that its name is"


@pytest.mark.parametrize("if_exists", ["verify", "skip", "fail"])
@pytest.mark.parametrize("finish", [None, ServiceError("another", status=409)], ids=["same content", "other content"])
def test_an_object_that_can_no_longer_be_read_is_not_there_and_holds_its_name(if_exists, finish):
    assert PAST in reason(Service(finish, probe=None), if_exists)


@pytest.mark.parametrize("if_exists", ["verify", "skip", "fail"])
@pytest.mark.parametrize(
    ("finish", "metadata"), [(None, OURS), (ServiceError("another", status=409), THEIRS)], ids=["same", "other"]
)
def test_an_object_past_its_expiry_that_the_service_still_shows_is_not_there_either(if_exists, finish, metadata):
    assert PAST in reason(Service(finish, metadata, life=-timedelta(seconds=1)), if_exists)


@pytest.mark.parametrize(
    ("answer", "finished"),
    [
        (None, True),
        (ServiceError("another", status=409), False),
        (ServiceError("another", status=400), False),
        (NotFound("none", status=404), False),
    ],
    ids=["finished", "unfinished", "of another project", "absent"],
)
def test_whether_it_is_finished_is_told_without_the_scope_to_look(answer, finished):
    service = Service(probe=answer)
    assert is_finished(service, "a/b", "project") == finished
    assert service.calls == ["probe"]


def test_an_outage_does_not_tell_whether_it_is_finished():
    with pytest.raises(ServiceUnavailable):
        is_finished(Service(probe=ServiceUnavailable("out", status=503)), "a/b", "project")


@pytest.mark.parametrize("status", [400, 409])
def test_other_content_is_named_with_both_digests(status):
    why = reason(Service(other(status), THEIRS))
    assert why == (
        f"The object exists with other content (sha256 {THEIRS['sha256']}, and yours is {OURS['sha256']}): "
        f"choose another name"
    )


def test_other_content_is_left_as_it_is_if_the_caller_says_so():
    assert settled(Service(other(), THEIRS), "skip") == THEIRS


def test_an_object_without_digests_is_there_too():
    assert settled(Service(other(), {}), "skip") == {}


@pytest.mark.parametrize("hashes", [{}, {"md5": "00"}], ids=repr)
@pytest.mark.parametrize("if_exists", ["verify", "fail"])
def test_an_object_that_cannot_be_compared_is_told_from_an_unfinished_one(hashes, if_exists):
    assert "The object exists, and the service knows no digest to compare yours with" in reason(
        Service(other(), hashes), if_exists
    )


@pytest.mark.parametrize("if_exists", ["verify", "skip", "fail"])
def test_an_unfinished_upload_of_somebody_else_is_named_with_the_longest_time_it_can_last(if_exists):
    why = reason(Service(other()), if_exists)
    assert why.startswith(
        "An unfinished upload of other content or expiry, or of somebody else, holds the name, for up to a day"
    )


@pytest.mark.parametrize("if_exists", ["verify", "skip", "fail"])
def test_without_the_scope_to_look_both_are_said_to_be_possible(if_exists):
    why = reason(Service(other(), InsufficientScopes("no", status=403)), if_exists)
    assert "taken by other content, or by an unfinished upload, which holds it for up to a day" in why
    assert "object:download:a/b" in why


def test_if_it_may_not_exist_it_is_not_finished_again():
    service = Service(None, OURS)
    assert reason(service, "fail") == "The object exists, with the same content, and if_exists is 'fail'"
    assert service.calls == ["metadata"]


def test_if_it_may_not_exist_other_content_is_named():
    assert "The object exists with other content" in reason(Service(None, THEIRS), "fail")


@pytest.mark.parametrize(
    "error",
    [ServiceUnavailable("out", status=503), InsufficientScopes("no", status=403), NotFound("gone", status=404)],
    ids=lambda error: error.status,
)
def test_another_error_of_finishing_is_no_answer(error):
    with pytest.raises(type(error)) as caught:
        settled(Service(error, THEIRS))
    assert caught.value is error


def test_an_outage_is_not_taken_for_a_conflict_where_the_outcome_hangs_on_the_answer():
    with pytest.raises(ServiceUnavailable):
        settled(Service(other(), ServiceUnavailable("out", status=503)), "skip")


def test_an_outage_only_costs_the_digests_where_it_is_a_conflict_anyway():
    assert "taken by other content, or by" in reason(Service(other(), ServiceUnavailable("out", status=503)))


@pytest.mark.parametrize("value", ["verify", "fail", "skip"])
def test_a_choice_is_taken(value):
    assert checked_if_exists(value) == value


@pytest.mark.parametrize("value", ["overwrite", "", None, True, ["skip"]], ids=repr)
def test_what_is_no_choice_is_refused(value):
    with pytest.raises(InvalidInput, match=r"if_exists is .*: pass 'verify', 'fail' or 'skip'"):
        checked_if_exists(value)

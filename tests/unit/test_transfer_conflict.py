from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from airflow_provider_taskcluster.exceptions import (
    Conflict,
    InsufficientScopes,
    InvalidInput,
    NotFound,
    ServiceError,
    ServiceUnavailable,
)
from airflow_provider_taskcluster.transfer.conflict import checked_if_exists, settle

OURS, THEIRS = {"sha256": "ab" * 32}, {"sha256": "cd" * 32, "sha512": "ef" * 64}
FINISH = {"projectId": "project", "uploadId": "fN1SbArXTPSVFNUvaOlinQ", "hashes": OURS}
CONFLICT = Conflict("object.createUpload 'a/b' failed", status=409, code="RequestConflict")


@dataclass
class Service:
    """Gives the answers that the object service gave when it was asked; each is a value or an error."""

    finish: object = None
    metadata: object = field(default_factory=lambda: NotFound("none", status=404))
    calls: list = field(default_factory=list)

    def finish_upload(self, name, request):
        assert (name, request) == ("a/b", FINISH)
        self._answer("finish", self.finish)

    def object_metadata(self, name):
        assert name == "a/b"
        return {"hashes": self._answer("metadata", self.metadata)}

    def _answer(self, call, answer):
        self.calls.append(call)
        if isinstance(answer, Exception):
            raise answer
        return answer


def other(status=409):
    """The answer to a finishUpload that is not ours to repeat."""
    return ServiceError("another", status=status)


def settled(service, if_exists="verify"):
    return settle(service, "a/b", FINISH, if_exists, CONFLICT)


def reason(service, if_exists="verify"):
    with pytest.raises(Conflict) as caught:
        settled(service, if_exists)
    assert (caught.value.status, caught.value.code, caught.value.transient) == (409, "RequestConflict", False)
    assert caught.value.__cause__ is CONFLICT
    before, _, why = str(caught.value).partition(". ")
    assert before == str(CONFLICT)
    return why


@pytest.mark.parametrize("if_exists", ["verify", "skip"])
def test_what_can_be_finished_again_with_equal_hashes_is_there_already(if_exists):
    service = Service()
    assert settled(service, if_exists) == OURS
    assert service.calls == ["finish"], "no scope but that of the upload is used"


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
    assert why.startswith("An unfinished upload of somebody else holds the name, for up to a day")


@pytest.mark.parametrize("if_exists", ["verify", "skip", "fail"])
def test_without_the_scope_to_look_both_are_said_to_be_possible(if_exists):
    why = reason(Service(other(), InsufficientScopes("no", status=403)), if_exists)
    assert "taken by other content, or by an unfinished upload of somebody else, which holds it for up to a day" in why
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

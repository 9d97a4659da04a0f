from __future__ import annotations

import pickle

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_taskcluster.common.task_failure import permanent_errors_fail
from airflow_provider_taskcluster.exceptions import (
    ConnectionFailed,
    DestinationError,
    InvalidName,
    NotFound,
    ServiceUnavailable,
)

SENTENCE = r"^gone: look elsewhere \(Upload of 'a' over connection 'tc' failed\)$"


@pytest.mark.parametrize("error", [NotFound("gone: look elsewhere"), InvalidName("gone: look elsewhere")], ids=repr)
def test_what_no_retry_can_cure_fails_the_task_at_once_with_the_same_sentence(error):
    with pytest.raises(AirflowFailException, match=SENTENCE) as caught, permanent_errors_fail("Upload of 'a'", "tc"):
        raise error
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "error",
    [
        ServiceUnavailable("gone: look elsewhere", status=503, retry_after=3),
        ConnectionFailed("gone: look elsewhere"),
        DestinationError("gone: look elsewhere"),
    ],
    ids=repr,
)
def test_what_may_pass_rises_with_its_facts_so_that_airflow_tries_again(error):
    facts = dict(vars(error))
    with pytest.raises(type(error), match=SENTENCE) as caught, permanent_errors_fail("Upload of 'a'", "tc"):
        raise error
    assert caught.value is error
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), vars(again)) == (str(error), facts)


def test_a_bug_of_ours_rises_as_it_is():
    with pytest.raises(ValueError, match=r"^a bug$"), permanent_errors_fail("Upload of 'a'", "tc"):
        raise ValueError("a bug")


def test_no_error_no_change():
    with permanent_errors_fail("Upload of 'a'", "tc"):
        value = 1
    assert value == 1

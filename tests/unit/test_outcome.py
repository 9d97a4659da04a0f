from __future__ import annotations

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_taskcluster.exceptions import (
    ConnectionFailed,
    DestinationError,
    InvalidName,
    NotFound,
    ServiceUnavailable,
)
from airflow_provider_taskcluster.outcome import permanent_errors_fail


@pytest.mark.parametrize("error", [NotFound("gone: look elsewhere"), InvalidName("gone: look elsewhere")], ids=repr)
def test_what_no_retry_can_cure_fails_the_task_at_once_with_the_same_sentence(error):
    with pytest.raises(AirflowFailException, match=r"^gone: look elsewhere$") as caught, permanent_errors_fail():
        raise error
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "error",
    [ServiceUnavailable("later"), ConnectionFailed("refused"), DestinationError("full"), ValueError("a bug of ours")],
    ids=repr,
)
def test_everything_else_rises_as_it_is_so_that_airflow_tries_again(error):
    with pytest.raises(type(error)) as caught, permanent_errors_fail():
        raise error
    assert caught.value is error


def test_no_error_no_change():
    with permanent_errors_fail():
        value = 1
    assert value == 1

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from airflow_provider_taskcluster.exceptions import ServiceUnavailable
from airflow_provider_taskcluster.transfer.http.grants import Renewable
from airflow_provider_taskcluster.transfer.model import Grant

NOW = datetime.now(UTC)
VALID, OVER = NOW + timedelta(hours=1), NOW - timedelta(seconds=1)


def grant(url="first", expires=None):
    return Grant(url=url, method="getUrl", expires=expires)


def numbered():
    """Give grants that are called 1, 2, 3..."""
    numbers = count(1)
    return lambda: grant(str(next(numbers)))


@pytest.mark.parametrize("expires", [None, VALID], ids=["unknown", "later"])
def test_a_grant_is_used_as_long_as_it_holds(expires):
    grants = Renewable(numbered(), grant(expires=expires))
    assert [grants.current().url, grants.current().url] == ["first", "first"]


def test_a_grant_that_has_run_out_is_renewed_before_use():
    assert Renewable(numbered(), grant(expires=OVER)).current().url == "1"


def test_without_a_first_grant_one_is_asked_for_when_it_is_needed_and_kept():
    grants = Renewable(numbered())
    assert [grants.current().url, grants.current().url] == ["1", "1"]


def test_with_a_clock_that_is_ahead_each_try_has_a_fresh_grant():
    grants = Renewable(iter([grant("1", OVER), grant("2", OVER)]).__next__, grant(expires=OVER))
    assert [grants.current().url, grants.current().url] == ["1", "2"]


def test_a_refused_grant_is_renewed_once():
    grants = Renewable(numbered(), grant(expires=VALID))
    assert grants.refused(grants.current())
    assert grants.current().url == "1"
    assert not grants.refused(grants.current())


def test_a_grant_that_was_taken_in_between_may_be_refused_again():
    grants = Renewable(numbered(), grant(expires=VALID))
    assert grants.refused(grants.current())
    grants.current()
    grants.accepted()
    assert grants.refused(grants.current())


def test_many_threads_that_wait_for_a_renewal_that_fails_fail_with_it():
    """They do not ask once more each."""
    renewals, waiting = [], threading.Barrier(8)

    def renew():
        renewals.append(threading.current_thread())
        time.sleep(0.2)
        raise ServiceUnavailable("later")

    grants = Renewable(renew, grant(expires=OVER))

    def work():
        waiting.wait()
        with pytest.raises(ServiceUnavailable, match="later"):
            grants.current()

    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(work) for _ in range(8)]:
            done.result()
    assert len(renewals) == 1


def test_many_threads_that_are_refused_renew_once():
    """The others wait for the first one, and then use what it got."""
    renewals = []

    def renew():
        renewals.append(threading.current_thread())
        time.sleep(0.05)
        return grant("new")

    old = grant("old", expires=VALID)
    grants = Renewable(renew, old)

    def work():
        assert grants.refused(old)
        assert grants.current().url == "new"

    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(work) for _ in range(8)]:
            done.result()
    assert len(renewals) == 1


def test_a_renewal_that_fails_can_be_tried_again():
    answers = iter([ServiceUnavailable("later"), grant("1")])

    def renew():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    grants = Renewable(renew, grant(expires=OVER))
    with pytest.raises(ServiceUnavailable):
        grants.current()
    assert grants.current().url == "1"

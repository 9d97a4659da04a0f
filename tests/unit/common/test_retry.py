from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_taskcluster.common import retry
from airflow_provider_taskcluster.common.retry import RetryPolicy, worth_repeating
from airflow_provider_taskcluster.exceptions import (
    ConnectionFailed,
    DestinationError,
    HashMismatch,
    NotFound,
    ServiceUnavailable,
    SourceError,
    StoreError,
    TaskclusterError,
    Truncated,
)

AT_ONCE = RetryPolicy(max_retries=3, first_wait=0, longest_wait=0)


class Failing:
    """Fails so many times, then answers."""

    def __init__(self, times: int, error: Exception) -> None:
        self.times = times
        self.error = error
        self.calls = 0

    def __call__(self):
        self.calls += 1
        if self.calls <= self.times:
            raise self.error
        return "answer"


def test_what_passes_in_time_is_answered():
    request = Failing(3, Truncated("cut"))
    assert AT_ONCE.retrying()(request) == "answer"
    assert request.calls == 4


def test_after_the_last_retry_the_error_itself_rises():
    request = Failing(9, Truncated("cut"))
    with pytest.raises(Truncated, match="cut"):
        AT_ONCE.retrying()(request)
    assert request.calls == 4


def test_no_retries_means_one_try():
    request = Failing(1, Truncated("cut"))
    with pytest.raises(Truncated):
        RetryPolicy(max_retries=0).retrying()(request)
    assert request.calls == 1


class Away:
    """A service that is away until so many seconds have passed, by a clock that goes on when somebody sleeps or waits.

    :param takes: Seconds that each failure takes.
    """

    def __init__(self, until: float, takes: float = 0.0, error: Exception | None = None) -> None:
        self.now = 1000.0
        self.tries: list[float] = []
        self._until, self._takes, self._error = until, takes, error or ConnectionFailed("refused")

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += seconds

    def __call__(self) -> str:
        self.tries.append(self.now - 1000)
        if self.tries[-1] >= self._until:
            return "answer"
        self.now += self._takes
        raise self._error


@pytest.fixture
def ask(monkeypatch):
    """Ask a service as a policy says, by the clock of the service."""

    def go(service, policy, **options):
        monkeypatch.setattr(retry, "clock", lambda: service.now)
        return policy.retrying(sleep=service.sleep, **options)(service)

    return go


@pytest.mark.parametrize("until", [0, 0.1, 12.5, 40, 59.99])
def test_a_service_may_be_away_for_a_minute_however_fast_it_refuses(ask, until):
    for _ in range(50):  # the waits are drawn
        service = Away(until)
        assert ask(service, RetryPolicy()) == "answer"
        assert service.tries[-1] <= 60.001


def test_one_that_is_away_for_longer_is_given_up_after_a_last_try_when_the_time_is_over(ask):
    service = Away(60.5)
    with pytest.raises(ConnectionFailed) as caught:
        ask(service, RetryPolicy())
    assert caught.value.given_up
    assert service.tries[-1] == pytest.approx(60)
    assert 7 <= len(service.tries) <= 12


def test_another_time_can_be_set(ask):
    service = Away(599)
    assert ask(service, RetryPolicy(retry_seconds=600)) == "answer"
    assert len(service.tries) <= 100, "the most retries are more than fit into ten minutes"
    with pytest.raises(ConnectionFailed):
        ask(Away(6), RetryPolicy(retry_seconds=5))


@pytest.mark.parametrize(("takes", "tries"), [(10, 7), (60, 2), (300, 2)])
def test_failures_that_take_long_use_up_the_time_and_the_first_one_has_a_second(ask, takes, tries):
    """The time counts from the end of the first failure."""
    service = Away(10_000, takes)
    with pytest.raises(ConnectionFailed):
        ask(service, RetryPolicy(longest_wait=0.5))
    assert len(service.tries) == tries


@pytest.mark.parametrize("most", [0, 1, 3])
def test_a_number_of_retries_ends_it_before_the_time_does(ask, most):
    service = Away(10_000)
    with pytest.raises(ConnectionFailed) as caught:
        ask(service, RetryPolicy(max_retries=most))
    assert len(service.tries) == most + 1
    assert caught.value.given_up


def test_the_time_ends_it_before_a_number_of_retries_does(ask):
    service = Away(10_000)
    with pytest.raises(ConnectionFailed):
        ask(service, RetryPolicy(max_retries=1_000_000))
    assert service.tries[-1] == pytest.approx(60)


def test_without_any_wait_there_is_an_end_too(ask):
    service = Away(10_000)
    with pytest.raises(ConnectionFailed):
        ask(service, RetryPolicy(first_wait=0))
    assert len(service.tries) == 101


def test_what_brings_bytes_gets_the_whole_time_again(ask):
    """64 KiB a try, each 40 s apart; then nothing more comes."""
    service, arrived = Away(10_000, takes=40, error=Truncated("cut")), [0]

    def progress():
        arrived[0] = min(len(service.tries), 20) * retry.ENOUGH_PROGRESS
        return arrived[0]

    with pytest.raises(Truncated):
        ask(service, RetryPolicy(longest_wait=0.5), progress=progress)
    assert arrived[0] == 20 * retry.ENOUGH_PROGRESS
    assert len(service.tries) == 20 + 2


def test_a_grant_that_is_refused_does_not_begin_the_time(ask):
    service = Away(10_000, takes=100, error=refused())
    with pytest.raises(StoreError):
        ask(service, RetryPolicy(longest_wait=0.5))
    assert len(service.tries) == 3, "one to learn it, one that counts, and its repetition"


@pytest.mark.parametrize(("asked", "last"), [(120, 120), (7, 60), (10_000, 300)])
def test_a_wait_that_the_server_asks_for_may_go_beyond_the_time(ask, asked, last):
    service = Away(10_000, error=ServiceUnavailable("later", status=503, retry_after=asked))
    with pytest.raises(ServiceUnavailable):
        ask(service, RetryPolicy())
    assert service.tries[-1] == pytest.approx(last, abs=7)


def test_coroutines_have_the_same_time():
    async def call():
        raise ServiceUnavailable("later", status=503)

    begun = time.monotonic()
    with pytest.raises(ServiceUnavailable) as caught:
        asyncio.run(RetryPolicy(retry_seconds=0.2, first_wait=0.02).async_retrying()(call))
    assert caught.value.given_up
    assert 0.15 < time.monotonic() - begun < 2


def test_a_loop_does_not_repeat_what_a_loop_inside_has_given_up_on():
    request = Failing(99, ServiceUnavailable("later", status=503))
    with pytest.raises(ServiceUnavailable) as caught:
        AT_ONCE.retrying()(lambda: AT_ONCE.retrying()(request))
    assert request.calls == 4
    assert caught.value.transient


def refused(status=403):
    return StoreError("refused", status=status, transient=True)


@pytest.mark.parametrize("status", [401, 403])
def test_one_refused_grant_does_not_count(status):
    assert RetryPolicy(max_retries=0).retrying(sleep=lambda _: None)(Failing(1, refused(status))) == "answer"


def test_of_many_refused_grants_one_does_not_count():
    """A clock that is ahead makes each grant look like one that ran out."""
    request = Failing(99, refused())
    with pytest.raises(StoreError):
        AT_ONCE.retrying()(request)
    assert request.calls == 5


@pytest.mark.parametrize("error", [NotFound("no"), HashMismatch("no"), DestinationError("full"), ValueError("bug")])
def test_what_no_repetition_cures_is_not_repeated(error):
    request = Failing(1, error)
    with pytest.raises(type(error)):
        AT_ONCE.retrying()(request)
    assert request.calls == 1


def test_coroutines_are_repeated_by_the_same_rules():
    request = Failing(2, ServiceUnavailable("later", status=503))

    async def call():
        return request()

    assert asyncio.run(AT_ONCE.async_retrying()(call)) == "answer"
    assert request.calls == 3


def test_the_loop_waits_as_long_as_the_server_asks(monkeypatch, collector_off):
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    request = Failing(1, StoreError("slow down", status=503, retry_after=7, transient=True))
    assert AT_ONCE.retrying()(request) == "answer"
    assert waits == [7]


def test_each_retry_is_told_in_the_log(caplog):
    AT_ONCE.retrying()(Failing(1, Truncated("the body was cut")))
    assert "Try 1 failed, next one in 0.0 s: the body was cut" in caplog.text


@pytest.mark.parametrize(("tries", "most"), [(1, 0.5), (2, 1), (3, 2), (6, 16), (7, 30), (20, 30)])
@pytest.mark.parametrize("draw", [0.5, 1.0])
def test_waits_double_up_to_the_longest_and_are_drawn_from_their_upper_half(monkeypatch, tries, most, draw):
    monkeypatch.setattr(retry.random, "uniform", lambda low, high: {0.5: low, 1.0: high}[draw])
    assert RetryPolicy().wait_seconds(tries, None) == most * draw


def test_a_policy_of_very_many_retries_goes_on_waiting_the_longest_wait():
    assert 15 <= RetryPolicy(max_retries=5000).wait_seconds(5000, None) <= 30


@pytest.mark.parametrize(("asked", "waited"), [(7, 7), (10_000, 300)])
def test_the_server_may_ask_for_more_patience_but_not_for_all_of_it(asked, waited):
    assert RetryPolicy().wait_seconds(1, ServiceUnavailable("later", retry_after=asked)) == waited


def test_a_server_that_asks_for_less_than_our_wait_does_not_shorten_it():
    assert RetryPolicy(first_wait=8).wait_seconds(1, ServiceUnavailable("later", retry_after=1)) >= 4


@pytest.mark.parametrize(
    ("error", "worth_it"),
    [
        (ConnectionFailed("refused"), True),
        (ConnectionFailed("certificate", transient=False), False),
        (ServiceUnavailable("503"), True),
        (NotFound("404"), False),
        (StoreError("403"), False),
        (StoreError("503", transient=True), True),
        (Truncated("cut"), True),
        (DestinationError("full"), False),
        (SourceError("broken"), False),
        (TaskclusterError("?"), False),
        (OSError("not ours"), False),
        (KeyboardInterrupt(), False),
    ],
    ids=repr,
)
def test_only_what_may_pass_is_worth_repeating(error, worth_it):
    assert worth_repeating(error) is worth_it


@pytest.mark.parametrize(("value", "seconds"), [("120", 120), ("0", 0), (" 3 ", 3), ("7, 7", 7), ("9" * 20, 1e20)])
def test_retry_after_in_seconds(value, seconds):
    assert retry.retry_after(value) == seconds


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "soon",
        "Wed, 99 Foo 2020",
        "Wed, 21 Oct 99999 07:28:00 GMT",
        "Wed, 21 Oct 2015 07:28:00 +9999999999999",
        "nan",
        "1.5",
        "-5",
        "+5",
        "1_0",
        "٣",
        "²",
        "9" * 21,
        "9" * 100_000,
        "Wed, 21 Oct " * 10_000,
    ],
)
def test_a_retry_after_that_says_nothing_asks_for_nothing(value):
    assert not retry.retry_after(value)


@pytest.mark.parametrize("usegmt", [True, False], ids=["GMT", "offset"])
def test_retry_after_as_a_date(usegmt):
    value = format_datetime(datetime.now(UTC) + timedelta(minutes=2), usegmt=usegmt)
    assert 110 < retry.retry_after(value) <= 120


def test_retry_after_as_a_date_of_unknown_zone_is_read_as_utc():
    value = (datetime.now(UTC) + timedelta(minutes=2)).strftime("%a, %d %b %Y %H:%M:%S -0000")
    assert 110 < retry.retry_after(value) <= 120


def test_a_date_that_is_past_asks_for_no_wait():
    assert retry.retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0


@given(st.text(max_size=30) | st.from_regex(r"\w{3}, \d{1,4} (Jan|Feb) \d{1,5} \d\d:\d\d:\d\d [+-]\d{1,6}"))
def test_no_header_makes_the_reader_fail(value):
    seconds = retry.retry_after(value)
    assert seconds is None or seconds >= 0

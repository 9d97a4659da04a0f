"""The log of a task: what it shows and hides, slow log handlers, ends by the caller, and memory."""

from __future__ import annotations

import gc
import logging
import threading
import time

import pytest
from following import SOON, Following, publish, until
from livelog import Livelog
from local_servers import Quiet, proxying, self_signed, serving

from airflow_provider_taskcluster.emulator.store.faults import Cut, Stall, Status
from airflow_provider_taskcluster.exceptions import Interrupted, InvalidInput, NotFound
from airflow_provider_taskcluster.tasks import live_stream, run_log
from airflow_provider_taskcluster.tasks.log_names import BACKING_LOG, LIVE_LOG
from benchmarks.usage import Peak

MIB = 1 << 20


@pytest.fixture
def livelog():
    with Livelog() as served:
        yield served


def followed(hook, run, data, **options):
    """The lines of a task that published this log."""
    publish(run, data)
    run.complete()
    return Following(hook, run.task_id, **options).ended()


def test_hostile_bytes_are_made_visible_and_secrets_are_masked(hook, run, tc, livelog):
    live = b"\x1b[31mred\x1b[0m\n\x1b[2Jaway\x07\n10%\r99%\r\nlong " + b"x" * 20_000 + b"\n\xff\xfe\n"
    run.add_reference(LIVE_LOG, livelog.url)
    following = Following(hook, run.task_id)
    livelog.write(live)
    following.saw("99%")
    publish(run, live + f"my token is {tc.access_token}\n".encode())
    run.complete()
    red, away, progress, long, invalid, token = following.ended()
    assert (red, away, progress, invalid) == ("\x1b[31mred\x1b[0m", r"away\x07", "99%", "\ufffd\ufffd")
    assert long.endswith("x... (cut here: the line has 20,005 characters)")
    assert token == "my token is ***"


@pytest.mark.parametrize("end", ["break_off", "stop"])
def test_the_url_of_a_live_log_is_shown_nowhere(hook, run, livelog, caplog, end):
    run.add_reference(LIVE_LOG, livelog.url)
    for name in ("", "urllib3", "urllib3.connectionpool", "airflow_provider_taskcluster"):
        caplog.set_level(logging.DEBUG, logger=name)
    following = Following(hook, run.task_id)
    livelog.write(b"one\n")
    following.saw("one")
    getattr(livelog, end)()
    time.sleep(0.5)
    publish(run, b"one\n")
    run.complete()
    following.ended()
    assert "GET" in caplog.text
    assert livelog.path.rpartition("/")[2] not in caplog.text


def test_a_refused_url_is_shown_nowhere(hook, run, caplog):
    with Livelog(status=401) as livelog:
        run.add_reference(LIVE_LOG, livelog.url)
        caplog.set_level(logging.DEBUG)
        following = Following(hook, run.task_id)
        until(lambda: livelog.requests)
        publish(run, b"one\n")
        run.complete()
        following.ended()
        assert livelog.path.rpartition("/")[2] not in caplog.text


def test_a_live_log_is_asked_for_without_credentials(hook, run, livelog):
    run.add_reference(LIVE_LOG, livelog.url)
    following = Following(hook, run.task_id)
    livelog.write(b"one\n")
    following.saw("one")
    publish(run, b"one\n")
    run.complete()
    following.ended()
    ((path, headers),) = livelog.requests
    assert path == livelog.path
    assert set(headers) <= {"Host", "Accept-Encoding", "Connection", "User-Agent"}


@pytest.mark.parametrize("hosts", ["tunnel.example.com *.workers.example", '["*.example.com"]'])
def test_other_hosts_are_not_asked_and_one_warning_says_so(connect, run, caplog, hosts):
    with Livelog(host="127.1") as livelog:
        run.add_reference(LIVE_LOG, livelog.url)
        following = Following(connect(extra={"live_log_hosts": hosts}), run.task_id)
        time.sleep(1)
        publish(run, b"one\n")
        run.complete()
        assert following.ended() == ["one"]
        assert not livelog.requests
        warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
        assert len(warnings) == 1
        assert "'127.1'" in warnings[0]
        assert livelog.path.rpartition("/")[2] not in caplog.text


def test_a_host_that_the_connection_names_is_asked(connect, run):
    with Livelog(host="localhost") as livelog:
        run.add_reference(LIVE_LOG, livelog.url)
        following = Following(connect(extra={"live_log_hosts": ["localhost"]}), run.task_id)
        livelog.write(b"one\n")
        following.saw("one")
        publish(run, b"one\n")
        run.complete()
        assert following.ended() == ["one"]


def test_a_redirect_is_not_followed(hook, run, livelog):
    with Livelog(302, {"Location": livelog.url}) as redirecting:
        livelog.write(b"one\n")
        run.add_reference(LIVE_LOG, redirecting.url)
        following = Following(hook, run.task_id)
        until(lambda: redirecting.requests)
        publish(run, b"two\n")
        run.complete()
        assert following.ended() == ["two"]
    assert not livelog.requests


def test_a_live_log_comes_through_the_proxy_of_the_connection(connect, run, livelog, caplog):
    livelog.write(b"one\n")
    livelog.end()
    run.add_reference(LIVE_LOG, livelog.url)
    caplog.set_level(logging.DEBUG)
    with proxying("user:c0ffee-c0ffee") as proxy:
        url = proxy.url.replace("://", "://user:c0ffee-c0ffee@")
        following = Following(connect(extra={"proxies": {"http": url}}), run.task_id)
        following.saw("one")
        assert ("GET", livelog.url) in proxy.requests
        publish(run, b"one\ntwo\n")
        run.complete()
        assert following.ended() == ["one", "two"]
    assert livelog.path.rpartition("/")[2] not in caplog.text
    assert "c0ffee" not in caplog.text


def test_a_live_log_comes_over_tls_that_the_connection_trusts(connect, run, tmp_path):
    certificate = self_signed(tmp_path)

    class Log(Quiet):
        def do_GET(self):  # noqa: N802 (a name that http.server calls)
            self.answer(200, b"one\n")

    with serving(Log, certificate=certificate) as url:
        run.add_reference(LIVE_LOG, f"{url}/log/x")
        following = Following(connect(extra={"verify": str(certificate)}), run.task_id)
        following.saw("one")
        publish(run, b"one\ntwo\n")
        run.complete()
        assert following.ended() == ["one", "two"]


def test_a_slow_log_handler_loses_no_line_though_the_livelog_drops_it(hook, run, livelog, monkeypatch):
    monkeypatch.setattr(live_stream, "BUFFERED", 4 * live_stream.BLOCK)
    lines = [f"{number} {'x' * 60}" for number in range(150_000)]
    data = "\n".join(lines).encode()
    run.add_reference(LIVE_LOG, livelog.url)
    waiting = threading.Event()
    following = Following(hook, run.task_id, sink=lambda _: waiting.wait(SOON))
    until(lambda: livelog.readers)
    for start in range(0, len(data), 4096):
        livelog.write(data[start : start + 4096])
        time.sleep(0.001)  # a busy machine is not a slow log handler
    assert livelog.dropped == 1
    waiting.set()
    time.sleep(1.5)  # time for another try, which there must not be
    publish(run, data)
    run.complete()
    assert following.ended(60) == lines
    assert len(livelog.requests) == 1, "it is too slow for another try"


def test_a_log_handler_that_stops_for_a_while_does_not_stop_the_reading(hook, run, livelog):
    """200 pieces are less than the buffer: the livelog must not drop us."""
    run.add_reference(LIVE_LOG, livelog.url)
    waiting = threading.Event()
    following = Following(hook, run.task_id, sink=lambda _: waiting.wait(SOON))
    until(lambda: livelog.readers)
    pieces = [b"%d %s\n" % (number, b"x" * 3000) for number in range(1000)]
    for piece in pieces:
        livelog.write(piece)
        time.sleep(0.0005)
    time.sleep(0.5)
    assert not livelog.dropped
    waiting.set()
    until(lambda: len(following.lines) == len(pieces))
    publish(run, b"".join(pieces))
    run.complete()
    assert len(following.ended()) == len(pieces)


def test_a_slow_log_handler_gets_all_that_a_dead_worker_said(hook, run, livelog, monkeypatch):
    monkeypatch.setattr(run_log, "LATE_AFTER_EXCEPTION", 0.0)
    lines = [f"{number} {'x' * 100}" for number in range(20_000)]
    run.add_reference(LIVE_LOG, livelog.url)
    waiting = threading.Event()
    following = Following(hook, run.task_id, sink=lambda _: waiting.wait(SOON))
    livelog.write("\n".join(lines).encode())
    until(lambda: following.lines)
    time.sleep(1)  # the rest is buffered
    run.exception()
    waiting.set()
    assert following.ended() == [*lines, f"[taskcluster] Run 0: no more of its log is in the store ({BACKING_LOG})"]


def test_a_log_that_is_whole_before_the_end_of_its_run_is_taken_from_the_store(hook, run):
    publish(run, b"one\ntwo\n")
    assert list(hook.task_log(run.task_id, follow=False)) == ["one", "two"]


@pytest.mark.parametrize("gzipped", [True, False], ids=["gzip", "plain"])
def test_a_store_that_breaks_off_is_asked_for_the_rest(hook, run, tc, gzipped):
    lines = [f"line {number} {hash(number)}" for number in range(50_000)]
    publish(run, "\n".join(lines).encode(), gzipped=gzipped)
    run.complete()
    tc.faults.add(Cut(60_000), method="GET", times=3)
    assert Following(hook, run.task_id).ended() == lines


def test_errors_of_the_queue_are_waited_through(hook, run, tc, livelog, caplog):
    run.add_reference(LIVE_LOG, livelog.url)
    following = Following(hook, run.task_id)
    livelog.write(b"one\n")
    following.saw("one")
    tc.api_faults.add(Status(503), path="/status", times=5)
    livelog.write(b"two\n")
    following.saw("two")
    tc.api_faults.add(Status(503), path="artifact-content", times=4)
    publish(run, b"one\ntwo\nthree\n")
    run.complete()
    assert following.ended() == ["one", "two", "three"]
    assert caplog.text.count("goes on after an error: queue.status") == 1


def test_an_error_of_on_status_ends_the_iteration_in_the_thread_of_the_caller(hook, run, livelog):
    run.add_reference(LIVE_LOG, livelog.url)
    threads = []

    def stop(status):
        threads.append(threading.current_thread())
        if len(threads) > 3:
            raise KeyError(status["state"])

    with pytest.raises(KeyError, match="running"):
        list(hook.task_log(run.task_id, interval=0.1, on_status=stop))
    assert set(threads) == {threading.current_thread()}
    until(lambda: not livelog.readers)


def test_the_status_is_asked_for_while_the_log_comes_from_the_store(hook, run):
    publish(run, b"one\n" * 1_000_000)
    run.complete()
    seen = []

    def stop(status):
        seen.append(status["state"])
        if len(seen) == 5:
            raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        list(hook.task_log(run.task_id, interval=0.01, on_status=stop))
    assert not [thread for thread in threading.enumerate() if thread.name == "taskcluster-chunks"]


@pytest.mark.parametrize("moment", ["pending", "live", "silent host", "late log", "status", "store"])
def test_stop_ends_the_iteration_at_once(connect, worker, livelog, tc, moment):
    hook, task_id = connect(), worker.create_task()
    states = []
    if moment != "pending":
        run = worker.claim(task_id)
        if moment in {"live", "silent host"}:
            run.add_reference(LIVE_LOG, livelog.url)
        if moment == "live":
            livelog.write(b"one\n")
        if moment == "store":
            publish(run, b"one\n" * 500_000, gzipped=False)
            tc.faults.add(Stall(300_000), method="GET", times=100)
        if moment == "late log":
            run.add_link(LIVE_LOG, BACKING_LOG)  # which is not stored
        if moment in {"late log", "store"}:
            run.complete()
    following = Following(hook, task_id, on_status=lambda status: states.append(status["state"]))
    until(lambda: len(states) > 2 or (moment == "store" and following.lines))
    if moment == "status":
        tc.api_faults.add(Stall(0), path="/status", times=100)
        time.sleep(0.5)
    started = time.monotonic()
    hook.stop()
    with pytest.raises(Interrupted):
        following.ended()
    assert time.monotonic() - started < SOON / 2
    until(lambda: not livelog.readers)


@pytest.mark.parametrize("when", ["live", "store"])
def test_an_iteration_that_is_left_leaves_no_thread(hook, run, livelog, when):
    if when == "live":
        run.add_reference(LIVE_LOG, livelog.url)
        livelog.write(b"one\ntwo\n")
    else:
        publish(run, b"one\n" * 500_000)
        run.complete()
    lines = hook.task_log(run.task_id, interval=0.1)
    assert next(lines) == "one"
    lines.close()
    until(lambda: not livelog.readers)
    names = {thread.name for thread in threading.enumerate()}
    assert not names & {"taskcluster-live-log", "taskcluster-chunks"}


class TestAsItIsNow:
    def test_the_whole_log_and_its_end(self, hook, run):
        lines = [f"line {number}" for number in range(5000)]
        assert followed(hook, run, "\n".join(lines).encode(), follow=False) == lines

        def ended(**options):
            return list(hook.task_log(run.task_id, follow=False, **options))

        assert ended(tail=3) == lines[-3:]
        assert ended(tail=10_000) == lines
        assert ended(max_bytes=15) == ["[taskcluster] The first 48,880 bytes of the log are left out", "line 4999"]
        assert ended(max_bytes=25, tail=1) == ["line 4999"]
        assert ended(max_bytes=25, tail=5)[1:] == ["line 4998", "line 4999"]
        assert ended(max_bytes=10 * MIB) == lines

    def test_of_a_run_that_goes_on_it_ends_in_silence(self, hook, run, livelog, monkeypatch):
        monkeypatch.setattr(run_log, "CAUGHT_UP", 0.5)
        assert list(hook.task_log(run.task_id, follow=False)) == []
        run.add_reference(LIVE_LOG, livelog.url)
        livelog.write(b"one\ntwo\nthr")
        assert list(hook.task_log(run.task_id, follow=False)) == ["one", "two", "thr"]
        assert list(hook.task_log(run.task_id, follow=False, tail=2)) == ["two", "thr"]
        until(lambda: not livelog.readers)

    def test_a_host_may_take_its_time_to_answer(self, hook, run, monkeypatch):
        monkeypatch.setattr(run_log, "CAUGHT_UP", 0.3)

        class Slow(Quiet):
            def do_GET(self):  # noqa: N802 (a name that http.server calls)
                time.sleep(1.5)
                self.answer(200, b"one\n")

        with serving(Slow) as url:
            run.add_reference(LIVE_LOG, f"{url}/log/x")
            assert list(hook.task_log(run.task_id, follow=False)) == ["one"]

    def test_of_a_task_that_has_not_begun_there_is_nothing(self, hook, worker):
        assert list(hook.task_log(worker.create_task(), follow=False)) == []
        with pytest.raises(NotFound, match="no run 3"):
            list(hook.task_log(worker.create_task(), 3, follow=False))

    def test_a_missing_log_is_said(self, hook, run, monkeypatch):
        monkeypatch.setattr(run_log, "LATE", 0.3)
        run.complete()
        missing = [f"[taskcluster] Run 0: no log is in the store ({BACKING_LOG})"]
        assert list(hook.task_log(run.task_id, follow=False)) == missing
        assert list(hook.task_log(run.task_id, follow=False, tail=5)) == missing

    def test_the_log_of_a_run_that_ended_long_ago_is_not_waited_for(self, hook, run, monkeypatch):
        monkeypatch.setattr(run_log, "CLOCK_SKEW", -100)
        run.complete()
        started = time.monotonic()
        assert len(list(hook.task_log(run.task_id, follow=False))) == 1
        assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tail": 5}, "follow=False"),
        ({"max_bytes": 5}, "follow=False"),
        ({"tail": 0, "follow": False}, "tail is 0"),
        ({"max_bytes": -1, "follow": False}, "max_bytes"),
        ({"interval": 0}, "interval is 0"),
        ({"run_id": "last"}, "run_id"),
        ({"live_name": ""}, "name"),
    ],
)
def test_invalid_arguments_are_refused_before_anything_is_asked(hook, arguments, message):
    with pytest.raises(InvalidInput, match=message):
        hook.task_log("fJbGKcrPRRmPzMbmBCFIuw", **arguments)


@pytest.mark.parametrize("options", [{}, {"follow": False, "tail": 200}], ids=["whole", "tail"])
def test_a_large_log_takes_little_memory(hook, run, options):
    line = b"2026-01-01T00:00:00.000Z a line of the usual length, as a build prints many of\n"
    publish(run, line * (64 * MIB // len(line)))
    run.complete()
    list(hook.task_log(run.task_id, follow=False, tail=1))  # loads what is loaded on first use
    gc.collect()
    peak = Peak()
    count = sum(1 for _ in hook.task_log(run.task_id, **options))
    assert count == options.get("tail", 64 * MIB // len(line))
    assert peak.grown() < 16 * MIB


def test_a_live_log_takes_little_memory_however_slow_its_reader_is(hook, run, livelog):
    run.add_reference(LIVE_LOG, livelog.url)
    livelog.write(b"x\n" * (16 * MIB))  # of short lines
    lines = hook.task_log(run.task_id, interval=0.1)
    assert next(lines) == "x"
    gc.collect()
    peak = Peak()
    for _ in range(1_000_000):
        next(lines)
    assert peak.grown() < 16 * MIB
    lines.close()

"""The log of a task: what it shows and hides, errors meanwhile, and ends by the caller."""

from __future__ import annotations

import logging
import threading
import time

import pytest
from following import SOON, Following, publish, until
from livelog import Livelog
from local_servers import Quiet, proxying, self_signed, serving

from airflow_provider_taskcluster.emulator.store.faults import Cut, Stall, Status
from airflow_provider_taskcluster.exceptions import Interrupted, InvalidInput
from airflow_provider_taskcluster.tasks.log_names import BACKING_LOG, LIVE_LOG


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

"""The log of a task as lines: live, then from the store, nothing twice and nothing lost."""

from __future__ import annotations

import socket
import time

import pytest
from following import SOON, Following, publish, until
from livelog import Livelog

from airflow_provider_taskcluster.emulator.worker import put
from airflow_provider_taskcluster.exceptions import InsufficientScopes, NotFound
from airflow_provider_taskcluster.tasks import live_reader, run_log
from airflow_provider_taskcluster.tasks.log_names import BACKING_LOG, LIVE_LOG


def followed_live(hook, run, livelog):
    """Follow a run whose live log has the line "one", until it is seen."""
    run.add_reference(LIVE_LOG, livelog.url)
    following = Following(hook, run.task_id)
    livelog.write(b"one\n")
    following.saw("one")
    return following


@pytest.fixture
def soon(monkeypatch):
    """Logs that are missing are given up soon."""
    monkeypatch.setattr(run_log, "LATE", 1.0)
    monkeypatch.setattr(run_log, "LATE_AFTER_EXCEPTION", 0.5)
    monkeypatch.setattr(run_log, "LOOK_EVERY", 0.2)


@pytest.mark.parametrize("storage", [{"storage_type": "s3"}, {"storage_type": "object"}], ids=["s3", "object"])
def test_the_live_lines_come_and_then_the_rest_from_the_store(hook, run, livelog, storage):
    run.add_reference(LIVE_LOG, livelog.url)
    following = Following(hook, run.task_id)
    livelog.write(b"one\ntw")
    following.saw("one")
    livelog.write(b"o\nthree \xe2\x82")
    following.saw("two")
    publish(run, "one\ntwo\nthree €\nfour\nfive".encode(), **storage)
    run.complete()
    livelog.break_off()
    assert following.ended() == ["one", "two", "three €", "four", "five"]


def test_a_pending_run_has_no_lines_and_the_stream_may_come_later_than_the_run(hook, worker, livelog):
    task_id = worker.create_task()
    states = []
    following = Following(hook, task_id, on_status=lambda status: states.append(status["state"]))
    until(lambda: "pending" in states)
    run = worker.claim(task_id)
    until(lambda: states[-1] == "running")
    run.add_reference(LIVE_LOG, livelog.url)
    livelog.write(b"one\n")
    following.saw("one")
    publish(run, b"one\n")
    run.fail()
    assert following.ended() == ["one"]
    assert states[-1] == "failed"


def test_without_a_livelog_all_lines_come_at_the_end(hook, run):
    following = Following(hook, run.task_id)
    publish(run, b"one\ntwo", link=False)
    run.complete()
    assert following.ended() == ["one", "two"]


def test_a_log_of_mebibytes_is_whole_wherever_the_stream_ends(hook, run, livelog):
    data = b"".join(b"%d %s\n" % (number, b"x" * (number % 200)) for number in range(30_000))
    run.add_reference(LIVE_LOG, livelog.url)
    following = Following(hook, run.task_id)
    until(lambda: livelog.readers)
    for start in range(0, 1_000_003, 8192):
        livelog.write(data[start : min(start + 8192, 1_000_003)])
        until(lambda: following.lines or livelog.dropped)
    publish(run, data)
    run.complete()
    livelog.break_off()
    assert following.ended() == data.decode().splitlines()


def test_silence_is_not_the_end_even_if_it_is_longer_than_the_read_time_out(connect, run, livelog):
    run.add_reference(LIVE_LOG, livelog.url)
    following = Following(connect(hook_arguments={"read_timeout": 0.3}), run.task_id)
    livelog.write(b"one\n")
    following.saw("one")
    with pytest.raises(AssertionError):
        until(lambda: len(livelog.requests) > 1, seconds=1.5)
    livelog.write(b"two\n")
    following.saw("two")
    publish(run, b"one\ntwo\n")
    run.complete()
    assert following.ended() == ["one", "two"]


@pytest.mark.parametrize("how", ["end", "break_off", "stop"])
def test_neither_end_of_the_stream_is_the_end_of_the_task(hook, run, livelog, how):
    following = followed_live(hook, run, livelog)
    getattr(livelog, how)()
    with pytest.raises(AssertionError):
        until(lambda: following.error or len(following.lines) > 1, seconds=1)
    publish(run, b"one\ntwo\n")
    run.complete()
    assert following.ended() == ["one", "two"]


def test_a_stream_that_breaks_is_read_again_a_few_times_and_repeats_nothing(hook, run, livelog):
    run.add_reference(LIVE_LOG, livelog.url)
    following = Following(hook, run.task_id)
    lines = [f"line {number}" for number in range(10)]
    for number in range(live_reader.CONNECTIONS):
        until(lambda: livelog.readers)
        livelog.write(f"{lines[number]}\nand".encode()[: -3 if number % 2 else None])
        livelog.write(b"" if number % 2 else b"\n")
        following.saw(lines[number])
        livelog.break_off()
    with pytest.raises(AssertionError):
        until(lambda: livelog.readers, seconds=1)
    assert len(livelog.requests) == live_reader.CONNECTIONS
    whole = bytes(livelog.log) + b"last\n"
    publish(run, whole)
    run.complete()
    assert following.ended() == whole.decode().splitlines()


def test_a_reference_that_was_replaced_is_followed_after_a_break(hook, run, livelog):
    following = followed_live(hook, run, livelog)
    with Livelog() as other:
        other.write(b"one\ntwo\n")
        run.add_reference(LIVE_LOG, other.url)
        livelog.stop()
        following.saw("two")
        publish(run, b"one\ntwo\n")
        run.complete()
        assert following.ended() == ["one", "two"]


def test_a_reference_that_was_replaced_is_found_in_silence(hook, run, livelog, monkeypatch):
    monkeypatch.setattr(live_reader, "LONG_SILENCE", 0.5)
    following = followed_live(hook, run, livelog)
    with Livelog() as other:
        other.write(b"one\ntwo\n")
        run.add_reference(LIVE_LOG, other.url)
        following.saw("two")
        publish(run, b"one\ntwo\n")
        run.complete()
        assert following.ended() == ["one", "two"]


def test_a_stream_that_began_anew_with_other_bytes_is_left(hook, run, livelog):
    following = followed_live(hook, run, livelog)
    with Livelog() as other:
        other.write(b"ONE\nTWO\n")
        run.add_reference(LIVE_LOG, other.url)
        livelog.stop()
        until(lambda: other.requests)
        publish(run, b"one\ntwo\n")
        run.complete()
        assert following.ended() == ["one", "two"]


@pytest.mark.parametrize("answer", ["dead", 401, 404, 500, 302])
def test_a_stream_that_cannot_be_read_is_no_failure(hook, run, answer):
    with Livelog(answer if answer != "dead" else 200, {"Location": "http://127.0.0.1:1/elsewhere"}) as livelog:
        run.add_reference(LIVE_LOG, livelog.url)
        if answer == "dead":
            livelog.stop()
        following = Following(hook, run.task_id)
        if answer != "dead":
            until(lambda: livelog.requests)
        publish(run, b"one\n")
        run.complete()
        assert following.ended() == ["one"]


def test_a_host_that_accepts_and_never_answers_is_left(connect, run):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        run.add_reference(LIVE_LOG, f"http://127.0.0.1:{silent.getsockname()[1]}/log/x")
        hook = connect(hook_arguments={"connect_timeout": 0.2, "read_timeout": 0.3})
        following = Following(hook, run.task_id)
        accepted = [silent.accept()[0] for _ in range(2)]
        publish(run, b"one\n")
        run.complete()
        assert following.ended() == ["one"]
        for connection in accepted:
            connection.close()


@pytest.mark.parametrize("reason", ["worker-shutdown", "intermittent-task"])
def test_a_run_that_the_queue_adds_is_announced_and_begins_at_its_first_byte(hook, worker, run, livelog, reason):
    run.add_reference(LIVE_LOG, livelog.url)
    following = Following(hook, run.task_id)
    livelog.write(b"first\nhal")
    following.saw("first")
    publish(run, b"first\nhalf\n")
    run.exception(reason)
    begins = f"[taskcluster] Run 1 begins ({'retry' if reason == 'worker-shutdown' else 'task-retry'})"
    following.saw(begins)
    again = worker.claim(run.task_id)
    with Livelog() as other:
        again.add_reference(LIVE_LOG, other.url)
        other.write(b"first\nsec")
        until(lambda: following.lines.count("first") == 2)
        publish(again, b"first\nsecond")
        again.complete()
        assert following.ended() == ["first", "half", begins, "first", "second"]


def test_a_completed_run_that_lists_no_log_is_not_waited_for(hook, run):
    run.add("public/other.log", b"other")
    run.complete()
    started = time.monotonic()
    assert [line for line in hook.task_log(run.task_id) if "no log is in the store" not in line] == []
    assert time.monotonic() - started < SOON


def test_a_rerun_by_somebody_is_announced(hook, worker, run):
    publish(run, b"one\n")
    states = []
    following = Following(hook, run.task_id, interval=3, on_status=states.append)
    until(lambda: states)
    run.complete()
    hook.rerun_task(run.task_id)
    again = worker.claim(run.task_id)
    publish(again, b"two\n")
    again.complete()
    assert following.ended() == ["one", "[taskcluster] Run 1 begins (rerun)", "two"]


def test_a_given_run_is_the_only_one(hook, worker, run):
    publish(run, b"one\n")
    run.exception("worker-shutdown")
    again = worker.claim(run.task_id)
    publish(again, b"two\n")
    again.complete()
    assert Following(hook, run.task_id, run_id=0).ended() == ["one"]
    assert Following(hook, run.task_id, run_id=1).ended() == ["two"]
    assert Following(hook, run.task_id).ended() == ["two"]
    with pytest.raises(NotFound, match="no run 5: it has the runs 0 to 1"):
        Following(hook, run.task_id, run_id=5).ended()


def test_a_run_that_never_began_has_no_log(hook, worker):
    task_id = worker.create_task()
    hook.cancel_task(task_id)
    assert Following(hook, task_id).ended(5) == ["[taskcluster] Run 0 has no log: it ended before a worker began it"]


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("resolve", ["complete", "exception"])
def test_a_log_that_never_comes_is_waited_for_a_limited_time(hook, run, resolve):
    run.add_link(LIVE_LOG, BACKING_LOG)
    getattr(run, resolve)()
    assert Following(hook, run.task_id).ended() == [f"[taskcluster] Run 0: no log is in the store ({BACKING_LOG})"]


@pytest.mark.usefixtures("soon", "no_anonymous_scopes")
def test_where_nobody_knows_whether_there_is_a_log_it_is_waited_for(holding, run):
    run.complete()
    hook = holding(f"queue:status:{run.task_id}", "queue:get-artifact:public/*")
    assert Following(hook, run.task_id).ended() == [f"[taskcluster] Run 0: no log is in the store ({BACKING_LOG})"]


@pytest.mark.usefixtures("soon")
def test_what_the_live_log_of_a_dead_worker_said_is_shown_to_its_end(hook, run, livelog):
    run.add_reference(LIVE_LOG, livelog.url)
    following = Following(hook, run.task_id)
    livelog.write(b"one\ntw")
    following.saw("one")
    run.exception()
    assert following.ended() == [
        *("one", "tw"),
        f"[taskcluster] Run 0: no more of its log is in the store ({BACKING_LOG})",
    ]


def test_a_log_that_comes_after_the_end_is_waited_for(hook, run, livelog):
    following = followed_live(hook, run, livelog)
    run.exception()
    livelog.write(b"two\n")
    following.saw("two")
    publish(run, b"one\ntwo\nthree\n")
    assert following.ended() == ["one", "two", "three"]


def test_an_announced_log_that_is_stored_later_is_waited_for(hook, run):
    grant = run.announce(BACKING_LOG, storage_type="s3", content_type="text/plain", length=4)
    states = []
    run.complete()
    following = Following(hook, run.task_id, on_status=lambda status: states.append(status["state"]))
    until(lambda: len(states) > 2)
    put(grant["putUrl"], b"one\n", {"Content-Type": "text/plain"})
    assert following.ended() == ["one"]


@pytest.mark.parametrize("stored", [b"ONE\ntwo\n", b"on"], ids=["another beginning", "shorter"])
def test_a_log_in_the_store_that_is_another_one_is_shown_whole(hook, run, livelog, stored):
    run.add_reference(LIVE_LOG, livelog.url)
    following = Following(hook, run.task_id)
    livelog.write(b"one\nt")
    following.saw("one")
    publish(run, stored)
    run.complete()
    assert following.ended() == [
        *("one", "t"),
        "[taskcluster] Run 0: its log in the store is not what came live: here it is as a whole",
        *stored.decode().splitlines(),
    ]


def test_a_log_that_is_an_error_artifact_is_said(hook, run):
    run.add_error(BACKING_LOG, "disk\nfull")
    run.complete()
    (line,) = Following(hook, run.task_id).ended()
    assert line.startswith("[taskcluster] Run 0: its log cannot be read: ")
    assert r"disk\nfull" in line


@pytest.mark.parametrize("form", ["generic-worker", "docker-worker"])
def test_logs_that_the_payload_renames_are_found(hook, worker, livelog, form, tc):
    names = {"live": "private/live", "backing": "private/all"}
    payload = {"logs": names} if form == "generic-worker" else {"log": "private/live"}
    backing = names["backing"] if form == "generic-worker" else BACKING_LOG
    run = worker.claim(worker.create_task(payload=payload))
    run.add_reference(names["live"], livelog.url)
    following = Following(hook, run.task_id)
    livelog.write(b"one\n")
    following.saw("one")
    publish(run, b"one\ntwo\n", link=False, name=backing)
    run.complete()
    assert following.ended() == ["one", "two"]
    asked = [entry for entry in tc.journal.entries(origin="api") if entry.path.endswith(f"/task/{run.task_id}")]
    assert len([entry for entry in asked if entry.method == "GET"]) == 1


@pytest.mark.usefixtures("soon")
def test_a_renamed_log_is_found_in_a_task_that_ended_before(hook, worker):
    run = worker.claim(worker.create_task(payload={"logs": {"backing": "private/all"}}))
    publish(run, b"one\n", link=False, name="private/all")
    run.complete()
    assert Following(hook, run.task_id).ended() == ["one"]


def test_names_of_the_caller_are_used_and_no_definition_is_asked_for(holding, worker, livelog):
    run = worker.claim(worker.create_task())
    hook = holding(f"queue:status:{run.task_id}", "queue:get-artifact:private/*")
    run.add_reference("private/live", livelog.url)
    following = Following(hook, run.task_id, live_name="private/live", backing_name="private/all")
    livelog.write(b"one\n")
    following.saw("one")
    publish(run, b"one\ntwo\n", link=False, name="private/all")
    run.complete()
    assert following.ended() == ["one", "two"]


def test_without_the_scope_for_definitions_the_default_names_are_used(holding, run):
    hook = holding(f"queue:status:{run.task_id}", "queue:get-artifact:public/logs/*")
    following = Following(hook, run.task_id)
    publish(run, b"one\n")
    run.complete()
    assert following.ended() == ["one"]


def test_a_scope_that_is_missing_is_an_error(holding, run, tc):
    before, tc.anonymous_scopes = tc.anonymous_scopes, []
    try:
        with pytest.raises(InsufficientScopes, match="queue:status"):
            Following(holding("queue:get-artifact:*"), run.task_id).ended()
        with pytest.raises(InsufficientScopes, match="queue:get-artifact"):
            Following(holding(f"queue:status:{run.task_id}"), run.task_id).ended()
    finally:
        tc.anonymous_scopes = before

"""The log of a task whose reader is slow, and the memory that logs take."""

from __future__ import annotations

import gc
import threading
import time

import pytest
from following import SOON, Following, publish, until

from airflow_provider_taskcluster.tasks import live_stream, run_log
from airflow_provider_taskcluster.tasks.log_names import BACKING_LOG, LIVE_LOG
from benchmarks.usage import Peak

MIB = 1 << 20


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

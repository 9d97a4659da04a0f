from __future__ import annotations

import asyncio
import os
import threading

import pytest

from airflow_provider_taskcluster.services import loop


def test_a_coroutine_runs_in_the_one_loop_thread():
    async def where():
        return threading.current_thread().name, asyncio.get_running_loop()

    name, first = loop.run(where())
    assert name == "taskcluster-services"
    assert loop.run(where()) == (name, first)


def test_what_a_coroutine_raises_rises_in_the_caller():
    async def fail():
        raise LookupError("inside")

    with pytest.raises(LookupError, match="inside"):
        loop.run(fail())


def test_a_check_that_fails_ends_the_wait_and_cancels_the_call():
    cancelled = threading.Event()

    async def forever():
        try:
            await asyncio.sleep(1000)
        finally:
            cancelled.set()

    def check():
        raise KeyError("stopped")

    with pytest.raises(KeyError, match="stopped"):
        loop.run(forever(), check)
    assert cancelled.wait(10)


def test_a_check_that_passes_changes_nothing():
    checks = []

    async def answer():
        await asyncio.sleep(0.5)
        raise TimeoutError("of the call itself")

    with pytest.raises(TimeoutError, match="of the call itself"):
        loop.run(answer(), lambda: checks.append(1))
    assert checks


def test_it_works_inside_a_loop_of_the_caller():
    async def answer():
        return 42

    async def outer():
        return loop.run(answer())

    assert asyncio.run(outer()) == 42


def test_a_forked_child_gets_a_loop_of_its_own():
    async def process():
        return os.getpid()

    assert loop.run(process()) == os.getpid()
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(sender, str(loop.run(process())).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(receiver, 20).decode() == str(child)
    os.close(receiver)
    os.close(sender)


def test_a_wait_that_is_interrupted_cancels_the_call(alarm):
    cancelled = threading.Event()

    async def call():
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()

    def interrupt(*_):
        raise TimeoutError("of the task")

    alarm(0.1, interrupt)
    with pytest.raises(TimeoutError, match="of the task"):
        loop.run(call())
    assert cancelled.wait(5)


def test_a_loop_whose_thread_cannot_start_is_not_kept(monkeypatch, collector_off):
    monkeypatch.setattr(loop, "_loop", None)

    def start(_):
        monkeypatch.undo()
        monkeypatch.setattr(loop, "_loop", None)
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        loop.running_loop()
    own = loop.running_loop()
    assert loop.run(asyncio.sleep(0, "answer")) == "answer"
    own.call_soon_threadsafe(own.stop)

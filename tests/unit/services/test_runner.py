from __future__ import annotations

import asyncio
import threading

import pytest

from airflow_provider_taskcluster.services.runner import run


async def answer(value):
    await asyncio.sleep(0)
    return value


def test_a_coroutine_runs_in_the_thread_that_calls():
    async def where():
        await asyncio.sleep(0)
        return threading.current_thread()

    assert run(where()) is threading.current_thread()


def test_what_a_coroutine_raises_rises_in_the_caller():
    async def fail():
        raise LookupError("inside")

    with pytest.raises(LookupError, match="inside"):
        run(fail())


def test_it_works_inside_an_event_loop():
    async def outer():
        return run(answer(42))

    assert asyncio.run(outer()) == 42


def test_a_coroutine_that_needs_an_event_loop_is_an_error_and_is_closed():
    closed = []

    async def waits():
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            closed.append(True)

    async def outer():
        run(waits())

    with pytest.raises(RuntimeError, match="needs an event loop"):
        asyncio.run(outer())
    assert closed

"""A hook whose connection is read in an event loop of a task, while a coroutine there waits for its supervisor."""

from __future__ import annotations

import asyncio
import socket
from contextlib import contextmanager

import pytest
from airflow.sdk.execution_time import comms as airflows
from airflow.sdk.execution_time import task_runner

from airflow_provider_taskcluster.exceptions import WouldBlockLoop
from airflow_provider_taskcluster.hooks.asynchronous import TaskclusterAsyncHook
from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook

CONNECTION = {
    "type": "ConnectionResult",
    "conn_id": "in_database",
    "conn_type": "taskcluster",
    "host": "https://tc.example.com",
    **dict.fromkeys(("schema", "login", "password", "port", "extra")),
}


@contextmanager
def supervisor(monkeypatch):
    """Act as the supervisor of this process; gives the other end of its socket."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        comms = airflows.CommsDecoder(socket=theirs)
        monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", comms, raising=False)
        yield ours


async def asked(ours):
    """Wait for a request and return its id."""
    head = await asyncio.to_thread(ours.recv, 4)
    body = await asyncio.to_thread(ours.recv, int.from_bytes(head))
    return airflows.msgspec.msgpack.decode(body)[0]


def answer(ours, request, body):
    ours.sendall(airflows._ResponseFrame(id=request, body=body).as_bytes())


def test_it_fails_with_what_to_use_and_the_coroutine_goes_on(monkeypatch):
    async def story(ours):
        waiting = asyncio.create_task(TaskclusterAsyncHook.open("in_database"))
        request = await asked(ours)
        with pytest.raises(WouldBlockLoop) as caught:
            TaskclusterHook("other").settings  # noqa: B018 (it is read)
        answer(ours, request, CONNECTION)
        async with asyncio.timeout(30), await waiting as hook:
            assert hook.client.root_url == CONNECTION["host"]
        return str(caught.value)

    with supervisor(monkeypatch) as ours:
        said = asyncio.run(story(ours))
    assert said == (
        "Connection 'other' is read in an event loop that reads another one: in a coroutine, use "
        "`await TaskclusterAsyncHook.open(...)`, or this hook in `asyncio.to_thread`"
    )

"""A process that starts a task group is killed (SIGKILL) at each of its requests; the next one ends what it began."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

RUN = {"payload": {"command": [["true"]]}}
CHAIN = {"a": RUN, "b": {**RUN, "dependencies": ["a"]}, "c": {**RUN, "dependencies": ["b"]}}
WIDE = {f"t{number}": {**RUN, "dependencies": ["t0"] if number else []} for number in range(30)}
REQUESTS = {"statuses": ("POST", "/tasks/status"), "create": ("PUT", "/v1/task/"), "seal": ("POST", "/seal")}
KILLS = [
    *((CHAIN, request, 1, moment) for request in ("statuses", "seal") for moment in ("before", "after")),
    *((CHAIN, "create", nth, moment) for nth in (1, 2, 3) for moment in ("before", "after")),
    *((WIDE, "create", nth, moment) for nth in (2, 15, 30) for moment in ("before", "after")),
]


class Kill:
    """A fault: the process that sends the request is killed, before the service sees it or after its effect."""

    def __init__(self, moment):
        self.moment = moment
        self.pid = 0
        self.known = threading.Event()

    async def answer(self, exchange):
        async def drop(_):
            pass

        if self.moment == "after":
            await exchange.store_answers(drop)
        await asyncio.to_thread(self.known.wait, 30)
        os.kill(self.pid, signal.SIGKILL)
        await exchange.client_gone()


@pytest.fixture(scope="module")
def program():
    folder = Path(__file__).parent
    command = [sys.executable, str(folder / "killed_groups.py")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *filter(None, sys.path)])}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": environment}
    with subprocess.Popen(command, **pipes) as process:
        yield process
        process.stdin.close()


@pytest.fixture
def try_once(program, tc):
    """Start a group in a process of its own; return how the process ended."""
    connection = {
        "conn_type": "taskcluster",
        "host": tc.root_url,
        "login": tc.client_id,
        "password": tc.access_token,
    }

    def run(run_id, tasks, kill=None):
        line = {"connection": connection, "run_id": run_id, "tasks": tasks}
        program.stdin.write(f"{json.dumps(line)}\n")
        program.stdin.flush()
        pid = program.stdout.readline()
        if kill is not None:
            kill.pid = int(pid)
            kill.known.set()
        return int(program.stdout.readline())

    return run


@pytest.mark.parametrize(
    ("tasks", "request_name", "nth", "moment"),
    KILLS,
    ids=[f"{len(tasks)}-{request}-{nth}-{moment}" for tasks, request, nth, moment in KILLS],
)
def test_each_label_has_one_task(try_once, tc, worker, tasks, request_name, nth, moment):
    run_id = f"manual__{secrets.token_hex(8)}"
    method, path = REQUESTS[request_name]
    kill = Kill(moment)
    tc.api_faults.add(kill, method=method, path=path, nth=nth)
    before = len(tc.journal.entries(method="PUT", path="/v1/task/"))
    assert try_once(run_id, tasks, kill) == -signal.SIGKILL
    assert try_once(run_id, tasks) == 0
    entries = tc.journal.entries(method="PUT", path="/v1/task/")[before:]
    created = {entry.path.rpartition("/")[2] for entry in entries if entry.status == 200}
    groups = {worker.queue.task(task_id)["taskGroupId"] for task_id in created}
    (group_id,) = groups
    listed = worker.queue.listTaskGroup(group_id)
    assert sorted(task["task"]["tags"]["label"] for task in listed["tasks"]) == sorted(tasks)
    assert listed["sealed"]

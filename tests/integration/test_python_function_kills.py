"""A process that runs a Python function as a task is killed (SIGKILL) at each of its requests; the next returns."""

from __future__ import annotations

import secrets
import signal

import pytest
from killed_processes import Kill, running

OUTCOME = "private%2Fairflow%2Foutcome.json"
REQUESTS = {
    "status": ("GET", "/status"),
    "create": ("PUT", "/v1/task/"),
    "artifacts": ("GET", "/artifacts"),
    "outcome": ("GET", OUTCOME),
}


@pytest.fixture(scope="module")
def program(taskcluster_emulator):
    with running("killed_functions.py", taskcluster_emulator) as started:
        yield started


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("request_name", REQUESTS)
def test_the_function_runs_once_and_its_result_is_returned(program, tc, taskcluster_worker, request_name, moment):
    method, path = REQUESTS[request_name]
    kill = Kill(moment)
    tc.api_faults.add(kill, method=method, path=path)
    before = len(tc.journal.entries(method="PUT", path="/v1/task/"))
    again = {"run_id": f"manual__{secrets.token_hex(8)}", "queue": taskcluster_worker.task_queue_id}
    assert program.run(kill, **again) == -signal.SIGKILL
    assert program.run(**again) == 0
    entries = tc.journal.entries(method="PUT", path="/v1/task/")[before:]
    assert len({entry.path for entry in entries if "/runs/" not in entry.path}) == 1

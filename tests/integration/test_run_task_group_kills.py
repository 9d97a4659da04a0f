"""A process that starts a task group is killed (SIGKILL) at each of its requests; the next one ends what it began."""

from __future__ import annotations

import secrets
import signal

import pytest
from killed_processes import Kill, running

RUN = {"payload": {"command": [["true"]]}}
CHAIN = {"a": RUN, "b": {**RUN, "dependencies": ["a"]}, "c": {**RUN, "dependencies": ["b"]}}
WIDE = {f"t{number}": {**RUN, "dependencies": ["t0"] if number else []} for number in range(30)}
REQUESTS = {"statuses": ("POST", "/tasks/status"), "create": ("PUT", "/v1/task/"), "seal": ("POST", "/seal")}
KILLS = [
    *((CHAIN, request, 1, moment) for request in ("statuses", "seal") for moment in ("before", "after")),
    *((CHAIN, "create", nth, moment) for nth in (1, 2, 3) for moment in ("before", "after")),
    *((WIDE, "create", nth, moment) for nth in (2, 15, 30) for moment in ("before", "after")),
]


@pytest.fixture(scope="module")
def program(taskcluster_emulator):
    with running("killed_groups.py", taskcluster_emulator) as started:
        yield started


@pytest.mark.parametrize(
    ("tasks", "request_name", "nth", "moment"),
    KILLS,
    ids=[f"{len(tasks)}-{request}-{nth}-{moment}" for tasks, request, nth, moment in KILLS],
)
def test_each_label_has_one_task(program, tc, worker, tasks, request_name, nth, moment):
    run_id = f"manual__{secrets.token_hex(8)}"
    method, path = REQUESTS[request_name]
    kill = Kill(moment)
    tc.api_faults.add(kill, method=method, path=path, nth=nth)
    before = len(tc.journal.entries(method="PUT", path="/v1/task/"))
    assert program.run(kill, run_id=run_id, tasks=tasks) == -signal.SIGKILL
    assert program.run(run_id=run_id, tasks=tasks) == 0
    entries = tc.journal.entries(method="PUT", path="/v1/task/")[before:]
    created = {entry.path.rpartition("/")[2] for entry in entries if entry.status == 200}
    groups = {worker.queue.task(task_id)["taskGroupId"] for task_id in created}
    (group_id,) = groups
    listed = worker.queue.listTaskGroup(group_id)
    assert sorted(task["task"]["tags"]["label"] for task in listed["tasks"]) == sorted(tasks)
    assert listed["sealed"]

"""``TaskclusterRunTaskOperator`` under a scheduler, killed at each request, in the stream, and while deferred.

``TaskclusterTriggerHookOperator`` as well, at the requests in which it differs.
"""

from __future__ import annotations

import signal
import tempfile
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta

import airflow_services
import killed_airflow
import psutil
import pytest
import sqlalchemy
import taskcluster
from killed_airflow import QUEUE, Run, all_are, ends, logged, states, wrong_state
from killing import BACKING, Strike

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

KILLED, ENDED = "killed_runs", "ended_runs"
BEFORE, AFTER, MIDDLE = "before", "after", "middle"
DEFERRED = {"deferrable": True, "log": "tail"}
# While the Taskcluster task goes on; of requests that are made again and again, the number to strike at.
EARLY = {
    f"{name}_{moment}": Strike(request, moment, nth)
    for name, request, nth in (
        ("first_status", "status", 1),
        ("counts", "counts", 1),
        ("create", "create", 1),
        ("second_status", "status", 2),
        ("status_of_log", "status", 4),
        ("live_log", "live log", 1),
    )
    for moment in (BEFORE, AFTER)
}
# When it has ended.
LATE = {
    f"{name}_{moment}": Strike(request, moment, since="backing log")
    for name, request, moments in (
        ("backing_log", "backing log", (BEFORE, AFTER)),
        ("log_bytes", "bytes of the log", (BEFORE, MIDDLE, AFTER)),
        ("last_status", "status", (BEFORE, AFTER)),
        ("artifacts", "artifacts", (BEFORE, AFTER)),
        ("result", "result", (BEFORE, AFTER)),
        ("result_bytes", "bytes of the result", (BEFORE, MIDDLE, AFTER)),
    )
    for moment in moments
}
AFTER_DEFERRAL = ("backing_log_after", "log_bytes_middle", "artifacts_before", "result_bytes_after")
NOT_KILLED = {"clean", "triggerer_killed", "hook_triggerer_killed"}
# Two hooks, one of which takes no taskId; their template takes the payload of the task from that of the trigger.
GROUP = "killed"
HOOKS = {"takes-ids": {"type": "object"}, "takes-none": {"type": "object", "not": {"required": ["taskId"]}}}
TAKES_IDS, TAKES_NONE = ({"hook_group_id": GROUP, "hook_id": hook_id} for hook_id in HOOKS)
OF_HOOKS = {
    "hook_status_before": (Strike("status", BEFORE), TAKES_IDS, False),
    "hook_status_after": (Strike("status", AFTER), TAKES_IDS, False),
    "hook_trigger_before": (Strike("trigger", BEFORE), TAKES_IDS, False),
    "hook_trigger_after": (Strike("trigger", AFTER), TAKES_IDS, False),
    "hook_deferred_trigger_after": (Strike("trigger", AFTER), {**TAKES_IDS, **DEFERRED}, False),
    "hook_last_status_after": (Strike("status", AFTER, since="backing log"), TAKES_IDS, True),
    "hook_triggerer_killed": (None, {**TAKES_IDS, **DEFERRED}, False),
    "hook_token_fires_before": (Strike("fires", BEFORE), {**TAKES_NONE, "token_field": "token"}, False),
    "hook_token_fires_after": (Strike("fires", AFTER), {**TAKES_NONE, "token_field": "token"}, False),
    "hook_token_refused_after": (Strike("trigger", AFTER, 1), {**TAKES_NONE, "token_field": "token"}, False),
    "hook_token_trigger_before": (Strike("trigger", BEFORE, 2), {**TAKES_NONE, "token_field": "token"}, False),
    "hook_token_trigger_after": (Strike("trigger", AFTER, 2), {**TAKES_NONE, "token_field": "token"}, False),
}
CORE = {
    *("create_before", "create_after", "status_of_log_after", "log_bytes_middle", "artifacts_after"),
    *("clean", "stream", "triggerer_killed", "deferred_create_after", "deferred_log_bytes_middle"),
    *("hook_trigger_after", "hook_token_trigger_after", "hook_triggerer_killed"),
}
# How Airflow tasks end that a user or Airflow ends: their state, the number of tries, and the ends of their Taskcluster
# tasks. Airflow 2.11 tells no trigger that a user has ended its task.
ON_KILL = "running" if airflow_services.AIRFLOW_2 else "canceled"
ENDS = {
    "marked": ("failed", 1, ["canceled"]),
    "marked_deferred": ("failed", 1, [ON_KILL]),
    "terminated": ("success", 2, ["canceled", "completed"]),
    "triggerer_stopped": ("success", 1, ["completed"]),
    "cleared": ("success", 2, ["completed", "completed"]),
    "cleared_running": ("success", 2, ["canceled", "completed"]),
    "cleared_deferred": ("success", 2, [ON_KILL.replace("running", "completed"), "completed"]),
    "twice": ("success", 2, ["completed"]),
}
WHILE_DEFERRED = ("marked_deferred", "triggerer_stopped", "cleared_deferred")
WHILE_RUNNING = ("marked", "terminated", "cleared_running", "twice")


def cases():
    """Strike, operator's arguments, and whether the task has ended then, by the names of the Airflow tasks."""
    all_cases = {
        "clean": (None, {}, True),
        "stream": (None, {}, False),
        **{name: (strike, {}, False) for name, strike in EARLY.items()},
        **{name: (strike, {}, True) for name, strike in LATE.items()},
        **OF_HOOKS,
        "triggerer_killed": (None, DEFERRED, False),
        "deferred_create_after": (EARLY["create_after"], DEFERRED, False),
        **{f"deferred_{name}": (LATE[name], DEFERRED, False) for name in AFTER_DEFERRAL},
    }
    return {name: case for name, case in all_cases.items() if name in CORE or not airflow_services.AIRFLOW_2}


@pytest.fixture(scope="module")
def folder():
    with tempfile.TemporaryDirectory(prefix="killed-") as folder:
        yield folder


@pytest.fixture(scope="module")
def killed(tc, folder):
    return Run(tc, folder, KILLED, cases())


@pytest.fixture(scope="module")
def ended(tc, folder):
    tasks = {name: (None, DEFERRED if name in WHILE_DEFERRED else {}, name == "cleared") for name in ENDS}
    return Run(tc, folder, ENDED, tasks)


def make_hooks(options):
    described = {"name": "n", "owner": "nobody@example.com", "description": "d"}
    task = {
        "taskQueueId": QUEUE,
        "payload": {name: {"$eval": f"payload.{name}"} for name in ("command", "env", "artifacts", "maxRunTime")},
        "metadata": {**described, "name": "${payload.env.NAME}", "source": "https://example.com"},
        "extra": {"token": {"$if": "'token' in payload", "then": "${payload.token}", "else": "none"}},
    }
    scopes = ["queue:create-task:*", "queue:scheduler-id:-"]
    taskcluster.Auth(options).createRole(f"hook-id:{GROUP}/*", {"description": "makes the tasks", "scopes": scopes})
    for hook_id, schema in HOOKS.items():
        definition = {"metadata": described, "task": task, "triggerSchema": schema}
        taskcluster.Hooks(options).createHook(GROUP, hook_id, definition)


@pytest.fixture(scope="module")
def services(tc, folder, killed, ended):
    make_hooks({"rootUrl": tc.root_url, "credentials": {"clientId": tc.client_id, "accessToken": tc.access_token}})
    with killed_airflow.running(tc, folder, [killed, ended]) as running:
        yield running


def in_stream(services, dag_id, names, number=1):
    """Whether these tries of all these tasks follow their live logs."""
    folders = [services.airflow.home / f"logs/dag_id={dag_id}/run_id={dag_id}/task_id={name}" for name in names]
    logs = [folder / f"attempt={number}.log" for folder in folders]
    return all(log.exists() and "line 300 before the gate" in log.read_text() for log in logs)


def wrong(services, run, hook, name, expected):
    """What is not as it should be after a DAG run: an Airflow task's end, its Taskcluster tasks, or its log."""
    state, number, expected_ends = expected
    if fault := wrong_state(services, run, name, state, number):
        return fault
    task_ids = run.created(hook, name)
    if (found := ends(hook, task_ids)) != expected_ends:
        return f"has the tasks {dict(zip(task_ids, found, strict=True))}"
    if state != "success":
        return None
    last = states(services, run.dag_id)[name][1]
    lines = logged(services, run.dag_id, name, last, "task_output")
    lines = [line for line in lines if not line.startswith("The log of task ")]
    log = hook.read_artifact(task_ids[-1], BACKING, 0).decode()
    if "".join(f"{line}\n" for line in lines) != log:
        return f"shows {len(lines)} lines of {log.count(chr(10))}: {lines[:3]} ... {lines[-3:]}"
    return None


@pytest.mark.timeout(600)
def test_whenever_it_is_killed_there_is_one_task_and_its_log_is_whole(services, killed, hook):
    with services.explained(), killed_airflow.with_its_triggerer(services, killed):
        services.wait_for("the stream", lambda: in_stream(services, KILLED, ["stream"]))
        killed.victims["stream"].kill()
    tries = {name: 1 if name in NOT_KILLED else 2 for name in killed.victims}
    found = {name: wrong(services, killed, hook, name, ("success", tries[name], ["completed"])) for name in tries}
    assert {name: fault for name, fault in found.items() if fault} == {}
    killed_at = {
        victim.strike.request for name, victim in killed.victims.items() if victim.strike and name not in OF_HOOKS
    }
    assert set(killed.victims["clean"].requests) == killed_at or airflow_services.AIRFLOW_2
    assert {name for name, victim in killed.victims.items() if not victim.killed.is_set()} == NOT_KILLED & {*tries}


def mark_as_failed(services, names):
    """Do what the web UI does when a user marks tasks as failed."""
    with services.database.begin() as connection:
        for name in names:
            query = "UPDATE task_instance SET state = 'failed' WHERE dag_id = :dag AND task_id = :name"
            assert connection.execute(sqlalchemy.text(query), {"dag": ENDED, "name": name}).rowcount == 1


@contextmanager
def lost(services, process, name):
    """Stop the process that sends the heartbeats of a task, and make the last one old, until the end of the block."""
    supervisor = process.parent()
    supervisor.send_signal(signal.SIGSTOP)
    old = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%d %H:%M:%S.%f")
    which = "WHERE dag_id = :dag AND task_id = :name"
    query = f"UPDATE task_instance SET last_heartbeat_at = :old {which}"
    if airflow_services.AIRFLOW_2:
        query = f"UPDATE job SET latest_heartbeat = :old WHERE id = (SELECT job_id FROM task_instance {which})"
    with services.database.begin() as connection:
        connection.execute(sqlalchemy.text(query), {"dag": ENDED, "name": name, "old": old})
    try:
        yield
    finally:
        supervisor.send_signal(signal.SIGCONT)


@pytest.mark.timeout(600)
def test_what_users_and_airflow_end_is_canceled_and_nothing_else(services, ended, hook):
    victims = ended.victims
    with services.explained(), ExitStack() as stack:
        with services.triggerer():
            services.trigger(ENDED, ENDED)
            services.wait_for("the streams", lambda: in_stream(services, ENDED, WHILE_RUNNING))
            services.wait_for("deferrals", lambda: all_are(services, ENDED, WHILE_DEFERRED, "deferred"))
            services.wait_for("the first end", lambda: all_are(services, ENDED, ["cleared"], "success"))
            zombie = psutil.Process(victims["twice"].pid())
            stack.enter_context(lost(services, zombie, "twice"))
            victims["cleared_running"].killed.set()
            mark_as_failed(services, ["marked", "marked_deferred"])
            victims["terminated"].kill(signal.SIGTERM)
            services.airflow.require("tasks", "clear", "--yes", ENDED, "--task-regex", "cleared")
            services.wait_for("the clear", lambda: states(services, ENDED)["cleared_deferred"] == ("deferred", 2))
            services.wait_for("the second of two tries at once", lambda: in_stream(services, ENDED, ["twice"], 2))
            assert zombie.status() == psutil.STATUS_SLEEPING
            zombie.kill()  # on 2.11 its end would be that of the Airflow task
        (waiting,) = ended.created(hook, "triggerer_stopped")
        assert hook.task_status(waiting)["state"] == "running"
        for name in ("triggerer_stopped", "cleared_deferred", "twice"):
            victims[name].gate.touch()
        with services.triggerer():
            assert services.wait_for_end(ENDED) == "failed"
    found = {name: wrong(services, ended, hook, name, expected) for name, expected in ENDS.items()}
    assert {name: fault for name, fault in found.items() if fault} == {}

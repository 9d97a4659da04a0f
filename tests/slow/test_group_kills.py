"""``TaskclusterRunTaskGroupOperator`` under a scheduler, killed at each request, by a user, and while deferred."""

from __future__ import annotations

import signal
import tempfile
from dataclasses import replace

import airflow_services
import killed_airflow
import pytest
from killed_airflow import Run, ends, logged, states, wrong_state
from killing import Strike

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

DAG = "killed_groups"
BEFORE, AFTER = "before", "after"
LABELS = ["beside", "first", "gated", "last"]
GROUP, DEFERRED = {"group": True}, {"group": True, "deferrable": True}
# While the tasks of the group go on; of requests that are made again, the number to strike at.
EARLY = {
    f"{name}_{moment}": Strike(request, moment, nth)
    for name, request, nth in (
        ("first_statuses", "statuses", 1),
        ("counts", "counts", 1),
        ("first", "create", 1),
        ("third", "create", 3),
        ("last", "create", 4),
        ("seal", "seal", 1),
        ("list", "list", 1),
        ("look", "look", 1),
    )
    for moment in (BEFORE, AFTER)
}
# When all of them have completed.
LATE = {f"last_statuses_{moment}": Strike("statuses", moment, since="look") for moment in (BEFORE, AFTER)}
NOT_KILLED = {"clean", "triggerer_killed"}
CORE = {"third_after", "seal_after", "list_after", "triggerer_killed", "deferred_last_statuses_before", "terminated"}


def cases():
    """Strike, operator's arguments, and whether the group has ended then, by the names of the Airflow tasks."""
    all_cases = {
        "clean": (None, GROUP, True),
        "terminated": (None, GROUP, False),
        **{name: (strike, GROUP, False) for name, strike in EARLY.items()},
        **{name: (strike, GROUP, True) for name, strike in LATE.items()},
        "triggerer_killed": (None, DEFERRED, False),
        "deferred_third_after": (EARLY["third_after"], DEFERRED, False),
        "deferred_seal_after": (EARLY["seal_after"], DEFERRED, False),
        # The looks of waits that are deferred together are one request, of none of them.
        **{f"deferred_{name}": (replace(strike, since="list"), DEFERRED, False) for name, strike in LATE.items()},
    }
    return {name: case for name, case in all_cases.items() if name in CORE or not airflow_services.AIRFLOW_2}


@pytest.fixture(scope="module")
def killed(tc):
    with tempfile.TemporaryDirectory(prefix="killed-") as folder:
        run = Run(tc, folder, DAG, cases())
        with killed_airflow.running(tc, folder, [run]) as services:
            yield services, run


def waits_at_the_gate(hook, run, name):
    created = [hook.task_status(task_id) for task_id in run.created(hook, name)]
    return [status["state"] for status in created].count("completed") == 2 and "look" in run.victims[name].requests


def outcome(services, run, hook, name):
    """Return the results of an Airflow task: of its last group, and the ends of a group that was canceled before."""
    created = run.created(hook, name)
    before, last = created[: -len(LABELS)], created[-len(LABELS) :]
    definitions = [hook.task_definition(task_id) for task_id in last]
    module = "wait_log" if run.arguments()[name].get("deferrable") else "worker_wait"
    lines = logged(services, DAG, name, states(services, DAG)[name][1], module)
    return {
        "state": wrong_state(services, run, name, "success", 1 if name in NOT_KILLED else 2),
        "canceled": sorted(ends(hook, before)),
        "ends": ends(hook, last),
        "labels": sorted(definition["tags"]["label"] for definition in definitions),
        "sealed": ["sealed" in hook.task_group(each["taskGroupId"]) for each in definitions],
        "told": sorted(line.split("'")[1] for line in lines if line.startswith("Task '")),
    }


def expected(name):
    return {
        "state": None,
        "canceled": ["canceled"] * 2 + ["completed"] * 2 if name == "terminated" else [],
        "ends": ["completed"] * len(LABELS),
        "labels": LABELS,
        "sealed": [True] * len(LABELS),
        "told": LABELS,
    }


@pytest.mark.timeout(600)
def test_whenever_it_is_killed_each_label_has_one_task_and_one_line(killed, hook):
    services, run = killed
    terminated = run.victims["terminated"]
    with services.explained(), killed_airflow.with_its_triggerer(services, run):
        services.wait_for("the gate", lambda: waits_at_the_gate(hook, run, "terminated"))
        terminated.kill(signal.SIGTERM)
    found = {name: outcome(services, run, hook, name) for name in run.victims}
    assert {name: left for name, left in found.items() if left != expected(name)} == {}
    killed_at = {victim.strike.request for victim in run.victims.values() if victim.strike}
    if not airflow_services.AIRFLOW_2:  # which has the core cases alone
        asked = set(run.victims["clean"].requests) - {"status"}  # a look at the last task alone
        assert asked == killed_at
    assert {name for name, victim in run.victims.items() if not victim.killed.is_set()} == NOT_KILLED & {*found}

"""``TaskclusterRunTaskOperator`` under a scheduler, killed at each request, in the stream, and while deferred."""

from __future__ import annotations

import json
import re
import tempfile
from contextlib import ExitStack
from pathlib import Path

import airflow_services
import pytest
from killing import BACKING, Killing, Strike, Victim

from airflow_provider_taskcluster.emulator.worker import CommandWorker, WorkerSettings

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

QUEUE = "tests/killed"
KILLED = "killed_runs"
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
NOT_KILLED = {"clean", "triggerer_killed"}
CORE = {
    *("create_before", "create_after", "status_of_log_after", "log_bytes_middle", "artifacts_after"),
    *("clean", "stream", "triggerer_killed", "deferred_create_after", "deferred_log_bytes_middle"),
}


def cases():
    """Strike, operator's arguments, and whether the task has ended then, by the names of the Airflow tasks."""
    all_cases = {
        "clean": (None, {}, True),
        "stream": (None, {}, False),
        **{name: (strike, {}, False) for name, strike in EARLY.items()},
        **{name: (strike, {}, True) for name, strike in LATE.items()},
        "triggerer_killed": (None, DEFERRED, False),
        "deferred_create_after": (EARLY["create_after"], DEFERRED, False),
        **{f"deferred_{name}": (LATE[name], DEFERRED, False) for name in AFTER_DEFERRAL},
    }
    return {name: case for name, case in all_cases.items() if name in CORE or not airflow_services.AIRFLOW_2}


class Run:
    """A DAG run of tasks that are killed, and what an emulator sees of it."""

    def __init__(self, tc, folder, dag_id, tasks):
        """Prepare clients and connections.

        :param tasks: As ``cases``.
        """
        self.tc, self.dag_id, self.tasks = tc, dag_id, tasks
        self._created = set()
        self.victims = {}
        self.environment = {}
        for name, (strike, _, late) in tasks.items():
            gate, pid_file = (Path(folder, f"{dag_id}.{name}.{suffix}") for suffix in ("gate", "pid"))
            self.victims[name] = Victim(strike, gate, pid_file, late)
            client_id = f"tests/{dag_id}/{name}"
            connection = {
                "conn_type": "taskcluster",
                "host": tc.root_url,
                "login": client_id,
                "password": tc.add_client(client_id, ["*"]),
            }
            self.environment[f"AIRFLOW_CONN_KILLED_{name.upper()}"] = json.dumps(connection)
        killing = Killing({f"tests/{dag_id}/{name}": victim for name, victim in self.victims.items()})
        tc.observers.append(self._observe)
        for faults in (tc.api_faults, tc.faults):
            faults.add(killing, times=1_000_000)

    def _observe(self, _service, operation, _status, answer):
        if operation == "createTask":
            self._created.add(answer["status"]["taskId"])

    def created(self, hook):
        """Ids of the Taskcluster tasks that there are, each with the name of its Airflow task."""
        names = ((task_id, hook.task_definition(task_id)["metadata"]["name"]) for task_id in self._created)
        return [(task_id, name.partition(".")[2]) for task_id, name in names]

    def arguments(self):
        return {name: arguments for name, (_, arguments, _) in self.tasks.items()}


@pytest.fixture(scope="module")
def folder():
    with tempfile.TemporaryDirectory(prefix="killed-") as folder:
        yield folder


@pytest.fixture(scope="module")
def killed(tc, folder):
    return Run(tc, folder, KILLED, cases())


@pytest.fixture(scope="module")
def services(tc, folder, killed):
    credentials = {"clientId": tc.client_id, "accessToken": tc.access_token}
    settings = {
        "AIRFLOW__CORE__DAGS_FOLDER": str(Path(__file__).parent / "killed_dags"),
        "AIRFLOW__CORE__PARALLELISM": "12",
        "KILLED_FOLDER": folder,
        "KILLED_TASKS": json.dumps({run.dag_id: run.arguments() for run in (killed,)}),
        **killed.environment,
        **airflow_services.DEAD_TRIGGERERS_ARE_SEEN_SOON,
    }
    with ExitStack() as stack:
        worker = WorkerSettings(capacity=16, reclaim_seconds=1)
        stack.enter_context(CommandWorker(tc.root_url, credentials, task_queue_id=QUEUE, settings=worker))
        yield stack.enter_context(airflow_services.running(tc, **settings))


def states(services, dag_id):
    query = "SELECT task_id, state, try_number FROM task_instance WHERE dag_id = :dag"
    return {task_id: (state, number) for task_id, state, number in services.rows(query, dag=dag_id)}


def shown(services, dag_id, task_id, number):
    """The lines of the Taskcluster task in the log of a try."""
    (path,) = services.airflow.home.glob(f"logs/dag_id={dag_id}/run_id=*/task_id={task_id}/attempt={number}.log")
    text = path.read_text(errors="replace")
    if airflow_services.AIRFLOW_2:
        lines = re.findall(r"^\[[^\]]+\] \{task_output\.py:\d+\} INFO - (.*)$", text, re.MULTILINE)
    else:
        entries = [json.loads(line) for line in text.splitlines()]
        lines = [each["event"] for each in entries if each.get("logger", "").endswith(".operators.task_output")]
    return [line for line in lines if not line.startswith("The log of task ")]


def in_stream(services):
    path = services.airflow.home.glob(f"logs/dag_id={KILLED}/run_id=*/task_id=stream/attempt=1.log")
    return any("line 300 before the gate" in each.read_text() for each in path)


def all_are(services, names, state):
    found = states(services, KILLED)
    return all(found[name][0] == state for name in names)


def wrong(services, run, hook, name):
    """What is not as it should be after an Airflow task was killed, and has succeeded."""
    number = 1 if name in NOT_KILLED else 2
    if (found := states(services, run.dag_id)[name]) != ("success", number):
        return f"is {found}"
    task_ids = [task_id for task_id, named in run.created(hook) if named == name]
    if len(task_ids) != 1:
        return f"has the tasks {task_ids}"
    lines = shown(services, run.dag_id, name, number)
    log = hook.read_artifact(task_ids[0], BACKING, 0).decode()
    if "".join(f"{line}\n" for line in lines) != log:
        return f"shows {len(lines)} lines of {log.count(chr(10))}: {lines[:3]} ... {lines[-3:]}"
    return None


@pytest.mark.timeout(600)
def test_whenever_it_is_killed_there_is_one_task_and_its_log_is_whole(services, killed, hook):
    deferred = [name for name, arguments in killed.arguments().items() if arguments]
    with services.explained():
        with services.triggerer():
            services.trigger(KILLED, "run")
            services.wait_for("the stream", lambda: in_stream(services))
            killed.victims["stream"].kill()
            services.wait_for("tasks to be deferred", lambda: all_are(services, deferred, "deferred"))
            services.kill_triggerer()
        for name in deferred:
            killed.victims[name].gate.touch()
        with services.triggerer():
            services.wait_for_end("run")
    found = {name: wrong(services, killed, hook, name) for name in killed.victims}
    assert {name: fault for name, fault in found.items() if fault} == {}
    killed_at = {victim.strike.request for victim in killed.victims.values() if victim.strike}
    assert set(killed.victims["clean"].requests) == killed_at or airflow_services.AIRFLOW_2
    assert {name for name, victim in killed.victims.items() if not victim.killed.is_set()} == NOT_KILLED

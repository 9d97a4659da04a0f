"""A whole Airflow whose tasks are killed, and what an emulator sees of them."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack, contextmanager
from pathlib import Path

import airflow_services
from killing import Killing, Victim

from airflow_provider_taskcluster.emulator.worker import CommandWorker, WorkerSettings

QUEUE = "tests/killed"


class Run:
    """A DAG run of tasks that are killed, and what an emulator sees of it."""

    def __init__(self, tc, folder, dag_id, tasks):
        """Prepare clients and connections.

        :param tasks: Strike (None for none), operator's arguments, and whether the task has ended then, by the names of
            the Airflow tasks.
        """
        self.dag_id, self.tasks = dag_id, tasks
        self._created = {}  # names by ids of Taskcluster tasks, None until they are asked for
        self.victims = {}
        self.environment = {}
        for name, (strike, arguments, late) in tasks.items():
            gate, pid_file = (Path(folder, f"{dag_id}.{name}.{suffix}") for suffix in ("gate", "pid"))
            self.victims[name] = Victim(strike, gate, pid_file, late, _opens_gate(arguments))
            client_id = f"tests/{dag_id}/{name}"
            connection = {
                "conn_type": "taskcluster",
                "host": tc.root_url,
                "login": client_id,
                "password": tc.add_client(client_id, ["*"]),
            }
            self.environment[f"AIRFLOW_CONN_KILLED_{name.upper()}"] = json.dumps(connection)
        self.clients = {f"tests/{dag_id}/{name}": victim for name, victim in self.victims.items()}
        tc.observers.append(self._observe)

    def _observe(self, _service, operation, _status, answer):
        if operation in {"createTask", "triggerHook"}:
            self._created.setdefault(answer["status"]["taskId"])

    def created(self, hook, name):
        """Ids of the Taskcluster tasks of an Airflow task, in the order of their creation."""
        named = f"{self.dag_id}.{name}"
        for task_id in [task_id for task_id, known in self._created.items() if known is None]:
            self._created[task_id] = hook.task_definition(task_id)["metadata"]["name"]
        return [task_id for task_id, name in self._created.items() if name == named]

    def arguments(self):
        return {name: arguments for name, (_, arguments, _) in self.tasks.items()}


def _opens_gate(arguments):
    """The request of the last try that shows that it follows its task: not one that the triggerer makes, too."""
    if not arguments.get("group"):
        return "live log"
    return None if arguments.get("deferrable") else "look"


@contextmanager
def running(tc, folder, runs):
    """Start an Airflow with the DAGs of the runs, a worker for their tasks, and the kills."""
    credentials = {"clientId": tc.client_id, "accessToken": tc.access_token}
    settings = {
        "AIRFLOW__CORE__DAGS_FOLDER": str(Path(__file__).parent / "killed_dags"),
        "AIRFLOW__CORE__PARALLELISM": "12",
        "KILLED_FOLDER": folder,
        "KILLED_TASKS": json.dumps({run.dag_id: run.arguments() for run in runs}),
        **{name: value for run in runs for name, value in run.environment.items()},
        **airflow_services.DEAD_TRIGGERERS_ARE_SEEN_SOON,
    }
    killing = Killing({client_id: victim for run in runs for client_id, victim in run.clients.items()})
    for faults in (tc.api_faults, tc.faults):
        faults.add(killing, times=1_000_000)
    with ExitStack() as stack:
        worker = WorkerSettings(capacity=16, reclaim_seconds=1)
        stack.enter_context(CommandWorker(tc.root_url, credentials, task_queue_id=QUEUE, settings=worker))
        yield stack.enter_context(airflow_services.running(tc, **settings))


@contextmanager
def with_its_triggerer(services, run):
    """Run the DAG to its end; after the block, the triggerer is killed as soon as all tasks that defer are deferred."""
    deferred = [name for name, arguments in run.arguments().items() if "deferrable" in arguments]
    with services.triggerer():
        services.trigger(run.dag_id, run.dag_id)
        yield
        services.wait_for("tasks to be deferred", lambda: all_are(services, run.dag_id, deferred, "deferred"))
        services.kill_triggerer()
    for name in deferred:
        run.victims[name].gate.touch()
    with services.triggerer():
        services.wait_for_end(run.dag_id)


def states(services, dag_id):
    query = "SELECT task_id, state, try_number FROM task_instance WHERE dag_id = :dag"
    return {task_id: (state, number) for task_id, state, number in services.rows(query, dag=dag_id)}


def all_are(services, dag_id, names, state):
    found = states(services, dag_id)
    return all(found[name][0] == state for name in names)


def logged(services, dag_id, task_id, number, module):
    """What a module has logged in a try: in the triggerer that was the last one, or on the worker."""
    folder = services.airflow.home / f"logs/dag_id={dag_id}/run_id={dag_id}/task_id={task_id}"
    pattern = f"attempt={number}.log" + (".trigger.*" if module == "wait_log" else "")
    text = max(folder.glob(pattern), key=lambda path: path.stat().st_mtime).read_text(errors="replace")
    if airflow_services.AIRFLOW_2:
        return re.findall(rf"^\[[^\]]+\] \{{{module}\.py:\d+\}} INFO - (.*)$", text, re.MULTILINE)
    entries = [json.loads(line) for line in text.splitlines()]
    return [each["event"] for each in entries if each.get("logger", "").endswith(f".{module}")]


def ends(hook, task_ids):
    """How Taskcluster tasks have ended; their states if they have not."""
    runs = [hook.task_status(task_id)["runs"][-1] for task_id in task_ids]
    return [run.get("reasonResolved", run["state"]) for run in runs]


def wrong_state(services, run, name, state, number):
    """Return None if an Airflow task has this state after so many tries; else the state and the tries that it has."""
    found, last = states(services, run.dag_id)[name]
    counted_twice = airflow_services.AIRFLOW_2 and last > number > 1  # it may see the same death in two ways
    return None if found == state and (last == number or counted_twice) else f"is {found} after {last} tries"

"""An Airflow of many machines on this one: a scheduler, two triggerers, three Celery workers, PostgreSQL and Redis.

Each worker has a HOME, a TMPDIR and a folder for data of its own, as if it was a machine: under the same paths in a
mount namespace where this user is root, else under its own. The API server alone listens on a port, a free one.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import airflow_services
import sandbox

WORKERS, TRIGGERERS = ("w1", "w2", "w3"), ("t1", "t2")
SLOTS = 6  # of each worker
# As systemd or Kubernetes do with what ends.
RESTARTED = ("sh", "-c", 'while :; do "$@"; sleep 1; done', "sh")
# A mount namespace in which a worker's own folder is found under a path that is the same for all.
OWN_DISK = ("unshare", "--mount", "sh", "-c", 'mount --bind "$0" "$1" && shift && exec "$@"')
DEAD_TASKS_ARE_SEEN_SOON = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "15",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "2",
    # Airflow 2, which sees one death twice if it looks more often than every 10 s
    "AIRFLOW__SCHEDULER__SCHEDULER_ZOMBIE_TASK_THRESHOLD": "15",
    "AIRFLOW__SCHEDULER__LOCAL_TASK_JOB_HEARTBEAT_SEC": "2",
}
DAGS_ARE_SEEN_SOON = {
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "3",
    "AIRFLOW__SCHEDULER__DAG_DIR_LIST_INTERVAL": "3",  # Airflow 2
}


class Program:
    """An ``airflow`` command that is started and ended more than once. Its output is appended to a log."""

    def __init__(self, command, environment, log, prefix=()):
        self._arguments = (command, environment)
        self._log, self._prefix = log, prefix
        self._stack = ExitStack()
        self.process = None

    def start(self):
        log = self._stack.enter_context(self._log.open("a"))
        self._from = log.tell()
        self.process = self._stack.enter_context(airflow_services.process(*self._arguments, log, self._prefix))

    def says(self, text):
        """Whether its output since its last start has a text in it."""
        assert self.process.poll() is None, f"it ended with {self.process.returncode}"
        with self._log.open() as log:
            log.seek(self._from)
            return text in log.read()

    def kill(self):
        """Kill it and all that it started, as the loss of its machine would."""
        if self.process is not None:
            airflow_services.kill_all(self.process)
        self._stop()

    def terminate(self):
        """Send SIGTERM to the program alone, as systemd and Kubernetes do."""
        self.process.send_signal(signal.SIGTERM)

    def wait_for_end(self):
        """Return its exit code, once it has ended by itself."""
        code = self.process.wait(airflow_services.PATIENCE)
        self._stop()
        return code

    def _stop(self):
        self.process = None
        self._stack.close()


class Server:
    """A server that a test takes away for a while; ``serve`` is a context manager that gives its process."""

    def __init__(self, serve):
        self._serve = serve
        self._stack = ExitStack()

    def start(self):
        self._process = self._stack.enter_context(self._serve())

    def stop(self):
        """Let it close its connections and write what it has to."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(20)
        self._stack.close()

    def away(self, seconds):
        self.stop()
        time.sleep(seconds)
        self.start()


@dataclass
class Cluster:
    """The running cluster. ``own_data`` has the data folder of each worker, ``shared`` is one that all of them see."""

    services: airflow_services.Services
    broker: Server
    database: Server
    dags: Path
    shared: Path
    own_data: dict[str, Path] = field(default_factory=dict)
    workers: dict[str, Program] = field(default_factory=dict)
    triggerers: dict[str, Program] = field(default_factory=dict)

    def run_on(self, *names):
        """Start and stop workers so that these run, ready to take tasks, and no others."""
        for name, worker in self.workers.items():
            if name in names and worker.process is None:
                worker.start()
            elif name not in names and worker.process is not None:
                worker.terminate()
                assert worker.wait_for_end() == 0
        for name in names:
            self.services.wait_for(f"worker {name}", lambda name=name: self.workers[name].says(f"{name} ready."))

    def lose(self, name):
        """Lose a worker with its disk."""
        self.workers[name].kill()
        for path in self.own_data[name].parent.iterdir():
            shutil.rmtree(path)
            path.mkdir()

    def tries(self, run_id):
        """State and number of the last try of each task."""
        query = "SELECT task_id, state, try_number FROM task_instance WHERE run_id = :run_id"
        return {name: (state, number) for name, state, number in self.services.rows(query, run_id=run_id)}

    def deploy(self, dag_file):
        """Put a DAG file where Airflow finds it soon."""
        shutil.copy(dag_file, self.dags)


def settings(folder, database, broker_socket, **environment):
    return {
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "AIRFLOW__CORE__PARALLELISM": "32",
        "AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG": "32",
        "AIRFLOW__CELERY__BROKER_URL": f"redis+socket://{broker_socket}",
        "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{database}",
        "AIRFLOW__CELERY__WORKER_CONCURRENCY": str(SLOTS),
        "AIRFLOW__CELERY__SYNC_PARALLELISM": "1",
        "SHARED_DATA": str(folder / "shared"),
        **DEAD_TASKS_ARE_SEEN_SOON,
        **DAGS_ARE_SEEN_SOON,
        **airflow_services.DEAD_TRIGGERERS_ARE_SEEN_SOON,
        **environment,
    }


@contextmanager
def running(emulator, triggers, **environment):
    """Start all of it but the workers, and kill it at the end of the block, each process by its id.

    :param triggers: How many triggers a triggerer takes at once.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cluster-")))
        for name in ("dags", "shared", "machine", "broker"):
            (folder / name).mkdir()
        database_folder = stack.enter_context(airflow_services.postgresql_folder())
        database = Server(lambda: airflow_services.postgresql_server(database_folder))
        broker = Server(lambda: redis(folder / "broker"))
        for server in (database, broker):
            server.start()
            stack.callback(server.stop)
        url = airflow_services.postgresql_url(database_folder)
        for setting in ("CAPACITY", "DEFAULT_CAPACITY"):  # of Airflow 3 and 2
            environment[f"AIRFLOW__TRIGGERER__{setting}"] = str(triggers)
        given = settings(folder, url, folder / "broker/socket", **environment)
        services = stack.enter_context(airflow_services.running(emulator, database=url, prefix=RESTARTED, **given))
        cluster = Cluster(services, broker, database, folder / "dags", folder / "shared")
        for name in TRIGGERERS:
            log = services.airflow.home / f"{name}.log"
            cluster.triggerers[name] = Program(airflow_services.TRIGGERER, services.airflow.environment, log)
        for name in WORKERS:
            cluster.own_data[name] = folder / name / "data"
            cluster.workers[name] = worker(services, emulator, name, folder / name, folder / "machine")
        for program in (*cluster.triggerers.values(), *cluster.workers.values()):
            stack.callback(program.kill)
        for program in cluster.triggerers.values():
            program.start()
        yield cluster
        for process in services.processes.values():
            airflow_services.kill_all(process)


def worker(services, emulator, name, own, common):
    """A Celery worker, which is a client of its own of Taskcluster: requests tell who sent them.

    Uploads and tasks have the same ids on all workers, in spite of their tokens, by the ``upload_secret``.
    """
    machine = common if namespaces() else own
    for path in ("home", "tmp", "data"):
        (own / path).mkdir(parents=True)
    connection = {
        "conn_type": "taskcluster",
        "host": emulator.root_url,
        "login": f"tests/{name}",
        "password": emulator.add_client(f"tests/{name}", ["*"]),
        "extra": {"project_id": "tests", "upload_secret": "the same on all workers"},
    }
    environment = {
        **services.airflow.environment,
        "HOME": str(machine / "home"),
        "TMPDIR": str(machine / "tmp"),
        "WORKER_DATA": str(machine / "data"),
        "AIRFLOW_CONN_TASKCLUSTER_DEFAULT": json.dumps(connection),
    }
    pid_file = services.airflow.home / f"{name}.pid"
    command = (
        f"celery worker --skip-serve-logs --celery-hostname {name} --pid {pid_file} --without-gossip --without-mingle"
    )
    prefix = (*OWN_DISK, str(own), str(machine)) if namespaces() else ()
    return Program(command, environment, services.airflow.home / f"{name}.log", prefix)


def namespaces():
    """Whether this user may mount: root of a container sometimes may not."""
    return os.getuid() == 0 and subprocess.run(["unshare", "--mount", "true"], check=False).returncode == 0


@contextmanager
def redis(folder):
    """Serve a Redis on a file in a folder, and keep there what it has at its end."""
    words = f"--port 0 --unixsocket {folder}/socket --dir {folder} --save 3600 1 --logfile {folder}/log".split()
    with sandbox.process(["redis-server", *words], cwd=folder) as process:
        deadline = time.monotonic() + airflow_services.PATIENCE
        while not (folder / "socket").exists():
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield process

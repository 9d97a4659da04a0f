"""Runs a whole Airflow: a database, and a scheduler with LocalExecutor."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import psutil
import sandbox
import sqlalchemy
import ui

AIRFLOW_2 = version("apache-airflow").startswith("2.")
SCHEDULER = "scheduler --skip-serve-logs"  # it would serve them on every address
# The scheduler of Airflow 2 parses the DAGs itself, and its tasks talk to the database.
SERVICES = [SCHEDULER] if AIRFLOW_2 else ["api-server", "dag-processor", SCHEDULER]
TRIGGERER = "triggerer --skip-serve-logs"  # as above
# For tests that kill one: by default its triggers are given to another after half a minute.
DEAD_TRIGGERERS_ARE_SEEN_SOON = {
    "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "10",
}
PATIENCE = 120


@dataclass
class Services:
    """A running Airflow. Its tasks have ``user_home`` and ``temporary`` as their HOME and TMPDIR."""

    airflow: sandbox.Airflow
    database: sqlalchemy.Engine
    user_home: Path
    temporary: Path
    processes: dict[str, subprocess.Popen[str]] = field(default_factory=dict)

    @property
    def scheduler(self):
        return self.processes[SCHEDULER]

    def rows(self, query, **values):
        with self.database.connect() as connection:
            return connection.execute(sqlalchemy.text(query), values).fetchall()

    def wait_for(self, what, found, patience=PATIENCE):
        """Ask ``found`` until it gives something, and return that."""
        deadline = time.monotonic() + patience
        while not (given := found()):
            assert time.monotonic() < deadline, f"{what}: not in {patience} seconds"
            for command, process in self.processes.items():
                assert process.poll() is None, f"airflow {command} ended with {process.returncode}"
            time.sleep(0.1)
        return given

    def trigger(self, dag_id, run_id, **conf):
        """Trigger by the command line, as soon as the DAG was found."""
        query = "SELECT dag_id FROM serialized_dag WHERE dag_id = :dag_id"
        self.wait_for(f"DAG {dag_id}", lambda: self.rows(query, dag_id=dag_id))
        self.airflow.require("dags", "trigger", dag_id, "--run-id", run_id, "--conf", json.dumps(conf))

    def wait_for_end(self, run_id):
        """Wait until a run has ended, and return its state."""
        query = "SELECT state FROM dag_run WHERE run_id = :run_id AND state NOT IN ('queued', 'running')"
        return self.wait_for(f"the end of {run_id}", lambda: self.rows(query, run_id=run_id))[0][0]

    def empty_disks(self):
        """Leave no file in HOME and TMPDIR: what lives there besides is sockets of the executor itself."""
        for path in [*self.user_home.rglob("*"), *self.temporary.rglob("*")]:
            if path.is_file() or path.is_symlink():
                path.unlink()

    @contextmanager
    def triggerer(self, **environment):
        """Run a triggerer during the block."""
        environment = {**self.airflow.environment, **environment}
        with (
            (self.airflow.home / "triggerer.log").open("a") as log,
            process(TRIGGERER, environment, log) as self.processes[TRIGGERER],
        ):
            try:
                yield
            finally:
                self.processes.pop(TRIGGERER, None)

    def kill_triggerer(self):
        """Kill it, and all that it started."""
        kill_all(self.processes.pop(TRIGGERER))

    @contextmanager
    def explained(self):
        """Add the ends of all logs to an error of the block."""
        try:
            yield
        except BaseException as error:
            for log in sorted(self.airflow.home.rglob("*.log"), key=lambda path: path.stat().st_mtime):
                lines = log.read_text(errors="replace").splitlines()[-40:]
                error.add_note("\n".join(["", f"==== {log.relative_to(self.airflow.home)}", *lines]))
            raise


def kill_all(process):
    """Kill a process, and all that it started, without a chance to say anything."""
    killed = psutil.Process(process.pid)
    for each in [killed, *killed.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            each.kill()


@contextmanager
def running(emulator, *, database=None, prefix=(), **environment):
    """Start Airflow with a connection to the emulator, and stop all of it at the end of the block.

    :param database: URL of a PostgreSQL; without it Airflow 2 gets one, and Airflow 3 a file of SQLite.
    :param prefix: Words before the command of each service.
    """
    with ExitStack() as stack:
        url = database or stack.enter_context(postgresql() if AIRFLOW_2 else nullcontext())
        disks = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="worker-")))
        (user_home := disks / "home").mkdir()
        (temporary := disks / "tmp").mkdir()
        settings = {
            **ui.web_settings(ui.free_port(0)),
            **({"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": url} if url else {}),
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
            "HOME": str(user_home),
            "TMPDIR": str(temporary),
            **environment,
        }
        airflow = stack.enter_context(sandbox.airflow(emulator, **settings))
        where = url or f"sqlite:///{airflow.home}/airflow.db"
        database = sqlalchemy.create_engine(
            where, poolclass=sqlalchemy.pool.NullPool
        )  # no connection outlives a server
        stack.callback(database.dispose)
        services = Services(airflow, database, user_home, temporary)
        for command in SERVICES:
            log = stack.enter_context((airflow.home / f"{command.split()[0]}.log").open("w"))
            services.processes[command] = stack.enter_context(process(command, airflow.environment, log, prefix))
        yield services


@contextmanager
def process(command, environment, log, prefix=()):
    """Run an ``airflow`` command, and leave none of its descendants behind: tasks have process groups of their own."""
    descendants = []
    try:
        options = {"env": environment, "stdout": log, "stderr": log}
        with sandbox.process([*prefix, sandbox.BIN / "airflow", *command.split()], **options) as started:
            try:
                yield started
            finally:
                with suppress(psutil.NoSuchProcess):
                    descendants = psutil.Process(started.pid).children(recursive=True)
    finally:
        for descendant in descendants:
            with suppress(psutil.NoSuchProcess):
                descendant.kill()


@contextmanager
def postgresql():
    """The URL of a fresh PostgreSQL; Airflow 2 refuses LocalExecutor on SQLite."""
    with postgresql_folder() as folder, postgresql_server(folder):
        yield postgresql_url(folder)


def postgresql_url(folder):
    return f"postgresql+psycopg2://airflow@/postgres?host={folder}"


def postgresql_user():
    return {"user": "postgres"} if os.getuid() == 0 else {}  # as root it does not run


@contextmanager
def postgresql_folder():
    """A folder with an empty database."""
    with tempfile.TemporaryDirectory(prefix="postgresql-") as folder:
        if user := postgresql_user():
            shutil.chown(folder, **user)
        initdb = [postgresql_program("initdb"), "-D", Path(folder, "data"), "-U", "airflow", "--auth", "trust"]
        subprocess.run([*initdb, "--no-sync"], check=True, capture_output=True, cwd=folder, **user)
        yield folder


@contextmanager
def postgresql_server(folder):
    """Serve the database of a folder on a file there, and on no port, as long as the block lasts."""
    data, log = Path(folder, "data"), Path(folder, "log")
    settings = [
        word for setting in ("listen_addresses=", "fsync=off", "max_connections=400") for word in ("-c", setting)
    ]
    server = [postgresql_program("postgres"), "-D", data, "-k", folder, *settings]
    options = {"cwd": folder, **postgresql_user()}
    with log.open("a") as output, sandbox.process(server, stdout=output, stderr=output, **options) as process:
        wait_for_postgresql(postgresql_url(folder), process, log)
        yield process


def postgresql_program(name):
    """The path of a program that Debian puts into a folder of its version."""
    folders = sorted(str(path) for path in Path("/usr/lib/postgresql").glob("*/bin"))
    found = shutil.which(name, path=os.pathsep.join([*reversed(folders), os.environ["PATH"]]))
    assert found, f"There is no {name}: `make test-slow` installs PostgreSQL"
    return found


def wait_for_postgresql(url, process, log):
    engine = sqlalchemy.create_engine(url)
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            engine.connect().close()
        except sqlalchemy.exc.OperationalError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        else:
            break
    engine.dispose()

"""Runs an emulator and a fresh Airflow in temporary folders."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
CONNECTION = "taskcluster_default"
PROJECT = "airflow-demo"


@dataclass(frozen=True)
class Taskcluster:
    """Address and credentials of a running emulator."""

    root_url: str
    client_id: str
    access_token: str = field(repr=False)

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables for Taskcluster's own clients."""
        return {
            "TASKCLUSTER_ROOT_URL": self.root_url,
            "TASKCLUSTER_CLIENT_ID": self.client_id,
            "TASKCLUSTER_ACCESS_TOKEN": self.access_token,
        }


@dataclass(frozen=True)
class Airflow:
    """A fresh Airflow home with a SQLite database and a connection to the emulator."""

    home: Path
    environment: dict[str, str] = field(repr=False)
    log: Path

    def run(self, *arguments: str) -> int:
        """Run an ``airflow`` command, append its output to the log, and return its exit code."""
        with self.log.open("a") as log:
            log.write(f"\n$ airflow {' '.join(arguments)}\n")
            log.flush()
            return subprocess.run(
                [BIN / "airflow", *arguments], env=self.environment, stdout=log, stderr=log, check=False
            ).returncode

    def require(self, *arguments: str) -> None:
        """Run an ``airflow`` command, and exit if it fails."""
        if self.run(*arguments) != 0:
            raise SystemExit(f"airflow {' '.join(arguments)} failed:\n{self.last_lines()}")

    def last_lines(self, count: int = 40) -> str:
        """Return the last lines of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])


@contextmanager
def process(command: list[Any], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Run a process in a process group of its own, which is ended at the end of the block."""
    running = subprocess.Popen([str(word) for word in command], text=True, start_new_session=True, **options)
    try:
        yield running
    finally:
        end(running)
        if running.stdout:
            running.stdout.close()


def end(running: subprocess.Popen[str], patience: float = 10) -> None:
    """End a process group by SIGTERM, and by SIGKILL if that does not suffice."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(running.pid, number)
        except ProcessLookupError:
            break
        try:
            running.wait(timeout=patience)
        except subprocess.TimeoutExpired:
            continue
    running.wait()


@contextmanager
def taskcluster(*options: str) -> Iterator[Taskcluster]:
    """Start the emulator on a free port.

    :param options: Further options of its command, such as ``--worker``.
    """
    command = [sys.executable, "-m", "airflow_provider_taskcluster.emulator", "--log-level", "WARNING", *options]
    with process(command, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        line = running.stdout.readline()
        if not line:
            raise SystemExit("The emulator did not start")
        address = json.loads(line)
        yield Taskcluster(address["root_url"], address["client_id"], address["access_token"])


@contextmanager
def airflow(emulator: Taskcluster, **settings: str) -> Iterator[Airflow]:
    """Create a fresh Airflow home with the example DAGs and a connection to the emulator.

    :param settings: Further environment variables of Airflow.
    """
    with tempfile.TemporaryDirectory(prefix="airflow-provider-taskcluster-") as folder:
        home = Path(folder)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "TASKCLUSTER"))}
        environment = {
            **kept,
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "AIRFLOW_HOME": folder,
            "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "example_dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
            "AIRFLOW__CORE__SENSITIVE_VAR_CONN_NAMES": "certificate",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
            **settings,
        }
        made = Airflow(home, environment, home / "demo.log")
        made.require("db", "migrate")
        _add_connection(made, emulator)
        yield made


def _add_connection(made: Airflow, emulator: Taskcluster) -> None:
    """Import the connection from a file, since command lines, with the token, are visible to all users."""
    connection = {
        "conn_type": "taskcluster",
        "host": emulator.root_url,
        "login": emulator.client_id,
        "password": emulator.access_token,
        "port": 0,  # the Test button of Airflow 3.3.1 and 3.3.2 wants one: apache/airflow#73298
        "extra": json.dumps({"project_id": PROJECT}),
    }
    file = made.home / "connections.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps({CONNECTION: connection}))
    made.require("connections", "import", str(file))
    file.unlink()

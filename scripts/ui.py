"""Runs Airflow's web UI with the example DAGs and an emulator, until Ctrl-C."""

from __future__ import annotations

import json
import secrets
import shlex
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, NoReturn

import sandbox

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

USUAL_PORT = 8080
PATIENCE = 180.0
QUEUE = "emulator/linux"


def main() -> None:
    """Start the emulator and Airflow, print their addresses, and wait."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    port, password = free_port(USUAL_PORT), secrets.token_urlsafe(9)
    print("Starting the emulator and Airflow ...", flush=True)
    with (
        sandbox.taskcluster("--worker", QUEUE, "--log-level", "ERROR") as taskcluster,
        sandbox.airflow(taskcluster, **web_settings(port)) as airflow,
        airflow.log.open("a") as log,
    ):
        passwords = airflow.home / "simple_auth_manager_passwords.json.generated"
        passwords.write_text(json.dumps({"admin": password}))
        command = [sandbox.BIN / "airflow", "standalone"]
        with sandbox.process(command, env=airflow.environment, stdout=log, stderr=log) as running:
            wait_until_healthy(port, running, stopped.is_set, lambda: failed(airflow))
            if not stopped.is_set():
                print(f"\nAirflow      http://127.0.0.1:{port}   login admin, password {password}")
                print(f"Taskcluster  {taskcluster.root_url}   (connection {sandbox.CONNECTION})")
                print(f"Worker       runs the commands of tasks of the queue {QUEUE}, as this user")
                print(f"\nA worker with a task for wait_for_artifact, in another shell:\n\n{worker(taskcluster)}")
                print("\nTrigger object_round_trip there; Ctrl-C ends it all.", flush=True)
            while not stopped.wait(1):
                if running.poll() is not None:
                    failed(airflow)
    print("Stopped, and cleaned up.")


def worker(taskcluster: sandbox.Taskcluster) -> str:
    """Return shell commands that run a simulated worker, which publishes an artifact and prints its task id."""
    exports = [f"export {name}={value}" for name, value in taskcluster.environment.items()]
    artifact = f"public/build/report.txt={sandbox.REPOSITORY / 'README.md'}"
    command = [sys.executable, "-m", "airflow_provider_taskcluster.emulator.worker", "--artifact", artifact]
    return "\n".join([*exports, shlex.join(command)])


def web_settings(port: int) -> dict[str, str]:
    """Return settings with which Airflow serves on this machine only, with few processes."""
    return {
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
    }


def free_port(wanted: int) -> int:
    """Return the wanted port if it is free, else another free one."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise SystemExit("There is no free port")


def wait_until_healthy(
    port: int, running: subprocess.Popen[str], stopped: Callable[[], bool], fail: Callable[[], NoReturn]
) -> None:
    """Wait until the web server, the scheduler and the DAG processor report that they are healthy."""
    deadline = time.monotonic() + PATIENCE
    while not stopped():
        if running.poll() is not None or time.monotonic() > deadline:
            fail()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v2/monitor/health", timeout=5) as response:
                health = json.load(response)
        except (urllib.error.URLError, OSError, ValueError):
            time.sleep(1)
            continue
        if all(health[part]["status"] == "healthy" for part in ("metadatabase", "scheduler", "dag_processor")):
            return
        time.sleep(1)


def failed(airflow: sandbox.Airflow) -> NoReturn:
    """Exit with the last lines of the log."""
    raise SystemExit(f"Airflow did not stay up:\n{airflow.last_lines()}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)

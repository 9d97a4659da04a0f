"""Demo: transfers real files to Taskcluster and back in a real Airflow, and runs a task.

Everything runs on this machine: an emulator in place of Taskcluster, and Airflow with the DAGs of ``example_dags/``,
run by ``airflow dags test``. The results of the DAGs are checked again here. Exit code 0 only if all checks passed.
"""

from __future__ import annotations

import filecmp
import hashlib
import json
import re
import sqlite3
import subprocess
import sys
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import sandbox
from steps import step

ARTIFACT = "public/build/report.txt"
ARTIFACT_DELAY = 5
POOL = "demo-provisioner/linux"
QUEUE = "emulator/linux"
MB = 1_000_000

# The log line about the progress of a transfer.
PROGRESS = re.compile(r"('.+'): (\d+)% of ([\d.]+ MB, [\d.]+ MB/s)")
# A line of a Taskcluster task in the log of Airflow 3, and of Airflow 2.
LOG_LINE = re.compile(r"(?:\[info +\] (.*?) \[\S+\.task_output\]|task_output\.py:\d+\} INFO - (.*))")
COUNTED = 3
LAST_LINES = 5
NEXT = """
Where to go next:
  make ui                  the same Airflow in your browser
  docs/quick-start.md      the first DAG of your own
  make demo FILE=...       the same with a file of yours"""

Moved = dict[str, Any]


def main(named: Path | None) -> None:
    """Run the DAGs one after the other, then print a table and the next steps."""
    if named is not None and not named.is_file():
        raise SystemExit(f"There is no file {str(named)!r}: name one with FILE=...")
    print("The demo: files go to Taskcluster, which is emulated here, and back, in a real Airflow.", flush=True)
    with ExitStack() as running:
        file = named or built_wheel()
        print(f"  it moves {file.name} ({file.stat().st_size / MB:.2f} MB)", flush=True)
        with step("Taskcluster emulator"):
            taskcluster = running.enter_context(sandbox.taskcluster("--worker", QUEUE, "--log-level", "ERROR"))
        with step("fresh Airflow"):
            airflow = running.enter_context(sandbox.airflow(taskcluster))
        moved = round_trip(airflow, file) + artifact(airflow, taskcluster)
        ran = run(airflow)
        purged = purge(airflow)
    show(moved, ran, purged)


def built_wheel() -> Path:
    """Build the wheel of this package and return its path."""
    folder = sandbox.REPOSITORY / "dist"
    with step("the wheel of this package, to be moved"):
        command = [str(sandbox.BIN / "uv"), "build", "--quiet", "--wheel", "--clear", "--out-dir", str(folder)]
        done = subprocess.run(command, cwd=sandbox.REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"The wheel could not be built:\n{done.stderr}")
    return next(folder.glob("*.whl"))


def round_trip(airflow: sandbox.Airflow, file: Path) -> list[Moved]:
    """Upload the file and a note, wait, download both, compare."""
    folder = airflow.home / "downloads"
    results = _dag(airflow, "object_round_trip", {"file": str(file.resolve()), "folder": str(folder)})
    check(filecmp.cmp(file, folder / "file", shallow=False), "the downloaded file differs from the original")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    for task in ("upload_file", "download_file"):
        check(results[task]["digests"]["sha256"] == digest, f"{task} reports another sha256 than the file has")
    check(file.name.encode() in (folder / "note.txt").read_bytes(), "the note does not name the file")
    check(results["upload_note"]["method"] == "dataInline", "the note did not travel inside the request")
    return [
        {"label": label, **results[task]}
        for label, task in (
            ("upload file", "upload_file"),
            ("download file", "download_file"),
            ("upload note", "upload_note"),
            ("download note", "download_note"),
        )
    ]


def artifact(airflow: sandbox.Airflow, taskcluster: sandbox.Taskcluster) -> list[Moved]:
    """Wait for an artifact that a simulated worker publishes after some seconds, and download it."""
    report = airflow.home / "report.txt"
    report.write_text("all tests passed\n" * 5000)
    command = [sys.executable, "-m", "airflow_provider_taskcluster.emulator.worker"]
    command += ["--delay", str(ARTIFACT_DELAY), "--artifact", f"{ARTIFACT}={report}"]
    environment = {**airflow.environment, **taskcluster.environment}
    with sandbox.process(command, env=environment, stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None
        task_id = json.loads(worker.stdout.readline())["taskId"]
        folder = airflow.home / "artifacts"
        results = _dag(airflow, "wait_for_artifact", {"taskcluster_task_id": task_id, "folder": str(folder)})
    check(filecmp.cmp(report, folder / "artifact", shallow=False), "the downloaded artifact differs from the original")
    check(results["list_artifacts"] == [ARTIFACT], "the task's artifacts are not listed")
    return [{"label": "download artifact", **results["download"]}]


def run(airflow: sandbox.Airflow) -> list[str]:
    """Run a task on the emulator's worker, and return the lines of its log that Airflow has shown."""
    before = len(airflow.log.read_text())
    results = _dag(airflow, "run_task", {"task_queue_id": QUEUE})
    check(results["count"]["result"]["lines"] == COUNTED, "the task has counted other lines than there are")
    shown = [on_3 or on_2 for on_3, on_2 in LOG_LINE.findall(airflow.log.read_text()[before:])]
    check(any(line.startswith("counting the lines") for line in shown), "Airflow has not shown the log of the task")
    return shown


def purge(airflow: sandbox.Airflow) -> list[dict[str, str]]:
    """Purge two caches, and return the purge requests that workers will see."""
    results = _dag(airflow, "purge_caches", {"worker_pool_id": POOL})
    requests: list[dict[str, str]] = results["open_requests"]
    check(
        {request["cacheName"] for request in requests} == set(results["purge"]["cache_names"]),
        "the purge requests are not those that were made",
    )
    return requests


def show(moved: list[Moved], ran: list[str], purged: list[dict[str, str]]) -> None:
    """Print a table of the transfers (sizes, speeds, methods and checks), and the log of the task that was run."""
    row = "{:<18} {:>12} {:>8} {:>8}  {:<11} {:<14} {}"
    print("\n" + row.format("", "bytes", "seconds", "MB/s", "method", "verified", "sha256"))
    for item in moved:
        speed = item["size"] / MB / item["seconds"] if item["seconds"] else 0
        columns = (item["method"], item["verified"], item["digests"]["sha256"][:16] + "...")
        print(row.format(item["label"], item["size"], f"{item['seconds']:.2f}", f"{speed:.1f}", *columns))
    print("\ntask run, its log in Airflow's:")
    print("\n".join(f"  {line}" for line in ran), end="\n\n")
    for request in purged:
        pool = f"{request['provisionerId']}/{request['workerType']}"
        print(f"purge requested    {request['cacheName']} of {pool}, if older than {request['before']}")
    print("\nAll of it held.")
    print(NEXT)


def check(passed: bool, message: str) -> None:  # noqa: FBT001 (like an assertion)
    """End the demo with a message if a check failed."""
    if not passed:
        raise SystemExit(f"The demo failed: {message}")


def _dag(airflow: sandbox.Airflow, dag_id: str, conf: dict[str, str]) -> dict[str, Any]:
    """Run a DAG by ``airflow dags test`` and return the results of its tasks, by task id."""
    with step(f"airflow dags test {dag_id}", lambda: transferred(airflow)):
        airflow.require("dags", "test", dag_id, "--conf", json.dumps(conf))
    with closing(sqlite3.connect(airflow.home / "airflow.db")) as database:
        states = dict(database.execute("SELECT task_id, state FROM task_instance WHERE dag_id = ?", (dag_id,)))
        values = database.execute(
            "SELECT task_id, value FROM xcom WHERE dag_id = ? AND key = 'return_value'", (dag_id,)
        ).fetchall()
    bad = [f"{task} is {state}" for task, state in states.items() if state != "success"]
    check(bool(states) and not bad, f"in {dag_id}, {', '.join(bad) or 'nothing ran'}\n{airflow.last_lines()}")
    return {task: json.loads(value) for task, value in values}


def transferred(airflow: sandbox.Airflow) -> tuple[str, float]:
    """Return the last progress of a transfer in the log, and its fraction from 0 to 1."""
    for line in reversed(airflow.last_lines(LAST_LINES).splitlines()):
        if match := PROGRESS.search(line):
            return f"{match[1]}: {match[2]}% of {match[3]}", int(match[2]) / 100
    return "", 0.0


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else None)

"""Runs lint, types and tests on one Airflow line or two, for `make check`, `test`, `test-slow` and `test-cluster`.

Usage: run_tests.py check|test|slow|cluster|cluster-short PYTHON [PYTHON_OF_AIRFLOW_2]. Types are checked beside the
tests, and in `make test` the lines run side by side. The last line says which steps passed and in what time, or which
failed and how to run them again. The environment variable `SEED` repeats the order of an earlier run.
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from steps import keeping_bytecode

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[1]
INNER_LOOP = ["tests/architecture", "tests/unit"]
# A file stays in one process, so that its fixtures are set up once. Files keep their order, slow ones first, so that no
# core runs out of work at the end.
BY_FILE = ["--dist=loadfile", "--no-loadscope-reorder"]
ON_ALL_CORES = "--numprocesses=logical"
# Tests wait for servers, polls and killed processes half of their time.
TWO_ON_EACH_CORE = f"--numprocesses={2 * (os.cpu_count() or 1)}"
SEED = os.environ.get("SEED") or str(secrets.randbelow(2**32))
FAILURE = re.compile(r"^(?:FAILED|ERROR) (tests/.+?)(?: - .*)?$", re.MULTILINE)
COUNT = re.compile(r"(\d+) passed")
NOT_RUN = "NOT RUN: the tests on Airflow 2.11, which needs Python 3.12 or earlier"


class Step:
    """A command.

    :param spread: Options that spread it over processes, which a run of what failed does without.
    :param quiet: Print its output only at its end, for a command that runs beside another.
    """

    def __init__(self, name: str, command: list[str], *, spread: Sequence[str] = (), quiet: bool = False) -> None:
        self.name, self._command, self._spread, self._quiet = name, command, spread, quiet
        self._output = b""
        self._seconds = 0.0
        self.failed = False

    def run(self) -> Step:
        """Run the command to its end."""
        print(f"==> {self.name}" + ", whose output comes at its end" * self._quiet, flush=True)
        started = time.monotonic()
        with subprocess.Popen(
            [*self._command, *self._spread],
            cwd=ROOT,
            env=keeping_bytecode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            assert process.stdout
            while chunk := process.stdout.read1():  # type: ignore[attr-defined] # a BufferedReader, typed as IO
                self._output += chunk
                if not self._quiet:
                    show(chunk)
        self.failed = process.returncode != 0
        self._seconds = time.monotonic() - started
        if self._quiet:
            show(f"\n==> {self.name}\n".encode() + self._output)
        return self

    def outcome(self) -> str:
        """Return a summary of the step, with the command to run it again if it failed."""
        text = self._output.decode(errors="replace")
        if not self.failed:
            counted = COUNT.findall(text)
            return f"{self.name}: {counted[-1] + ' passed, ' if counted else 'passed, '}{minutes(self._seconds)}"
        tests = [f"'{test}'" for test in FAILURE.findall(text)]
        return f"{self.name} FAILED, run again alone: " + " ".join([*self._command, *tests])


def show(output: bytes) -> None:
    """Print the output of a command."""
    sys.stdout.buffer.write(output)
    sys.stdout.flush()


def minutes(seconds: float) -> str:
    """Format seconds as minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def run_of_tests(name: str, python: str, *options: str, on: str = ON_ALL_CORES, quiet: bool = False) -> Step:
    """Return a run of tests in a number of processes."""
    command = [python, "-m", "pytest", "-q", f"--randomly-seed={SEED}", *options]
    return Step(name, command, spread=[on, *BY_FILE], quiet=quiet)


def check(python: str) -> list[Step]:
    """Run lint, types, architecture and unit tests."""
    return [
        *lint(python),
        *side_by_side(run_of_tests("Architecture and unit tests", python, *INNER_LOOP), types(python)),
    ]


def whole(python: str, python_211: str = "") -> list[Step]:
    """Run lint, types and all tests except slow ones; on 2.11 only those that touch Airflow.

    The lines run side by side: while tests of one wait, for a server, a poll or a killed process, those of the other
    use the processors.
    """
    steps = [run_of_tests("Tests on Airflow 3.3", python, on=TWO_ON_EACH_CORE)]
    if python_211:
        steps.append(run_of_tests("Tests on Airflow 2.11 that touch it", python_211, "--airflow=touched", quiet=True))
    return [*lint(python), *side_by_side(*steps, types(python))]


def slow(python: str, python_211: str = "") -> list[Step]:
    """Run the slow tests, and on 2.11 also those that `whole` leaves out."""
    steps = [run_of_tests("Slow tests on Airflow 3.3", python, "-m", "slow")]
    if python_211:
        steps.append(run_of_tests("Slow tests on Airflow 2.11", python_211, "-m", "slow"))
        steps.append(run_of_tests("Tests on Airflow 2.11 that do not touch it", python_211, "--airflow=not"))
    return [step.run() for step in steps]


def cluster(python: str, python_211: str = "") -> list[Step]:
    """Run the tests of the cluster, in their order: on 3.3 with hundreds of waits, on 2.11 the core ones."""
    os.environ.setdefault("CLUSTER_WAITS", "500")
    steps = [in_a_cluster("Cluster on Airflow 3.3", python, "cluster")]
    if python_211:
        del os.environ["CLUSTER_WAITS"]
        steps += cluster_short(python_211, "Core of the cluster on Airflow 2.11")
    return steps


def cluster_short(python: str, name: str = "Core of the cluster on Airflow 3.3") -> list[Step]:
    """Run the core tests of the cluster."""
    return [in_a_cluster(name, python, "cluster and core")]


def in_a_cluster(name: str, python: str, marks: str) -> Step:
    """Run tests of the cluster, one after another, in the order of their files."""
    return Step(name, [python, "-m", "pytest", "-q", "-p", "no:randomly", "-m", marks, "tests/cluster"]).run()


def lint(python: str) -> list[Step]:
    """Run lint."""
    ruff = f"{Path(python).parent}/ruff"
    return [Step("Lint", [ruff, "check", "."]).run(), Step("Format", [ruff, "format", "--check", "."]).run()]


def types(python: str) -> Step:
    """Return a check of types."""
    return Step("Types", [f"{Path(python).parent}/mypy"], quiet=True)


def side_by_side(*steps: Step) -> list[Step]:
    """Run steps at the same time, in processes of their own."""
    with ThreadPoolExecutor(len(steps)) as pool:
        return list(pool.map(Step.run, steps))


def main() -> None:
    """Run the steps of a target; the exit code is 1 if one of them failed."""
    kind, *pythons = sys.argv[1:]
    started = time.monotonic()
    if "cluster" not in kind:
        print(f"Tests run in random order, which SEED={SEED} repeats", flush=True)
    steps = KINDS[kind](*pythons)
    print("\n" + result(steps, minutes(time.monotonic() - started)))
    if kind not in {"check", "cluster-short"} and len(pythons) == 1:
        print(NOT_RUN)
    sys.exit(any(step.failed for step in steps))


def result(steps: list[Step], time_taken: str) -> str:
    """Return one line if all steps passed, else one line for each failed step."""
    if failed := [step.outcome() for step in steps if step.failed]:
        return "\n".join(failed)
    return f"Passed in {time_taken} (" + "; ".join(step.outcome() for step in steps) + ")"


KINDS = {"check": check, "test": whole, "slow": slow, "cluster": cluster, "cluster-short": cluster_short}

if __name__ == "__main__":
    main()

"""Runs lint, types and tests on one Airflow line or two, for `make check`, `make test` and `make test-slow`.

Usage: run_tests.py check|test|slow PYTHON [PYTHON_OF_AIRFLOW_2]. Types are checked in parallel with the tests. The
last line says which steps passed and in what time, or which failed and how to run them again. The environment variable
`SEED` repeats the order of an earlier run.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
INNER_LOOP = ["tests/architecture", "tests/unit"]
# One process for each core. A file stays in one process, so that its fixtures are set up once. Files keep their order,
# slow ones first, so that no core runs out of work at the end.
ON_ALL_CORES = ["-n", "logical", "--dist", "loadfile", "--no-loadscope-reorder"]
FAILURE = re.compile(r"^(?:FAILED|ERROR) (tests/.+?)(?: - .*)?$", re.MULTILINE)
SEED = re.compile(r"^Using (--randomly-seed=\d+)", re.MULTILINE)
COUNT = re.compile(r"(\d+) passed")
NOT_RUN = "NOT RUN: the tests on Airflow 2.11, which needs Python 3.12 or earlier"


class Step:
    """A command. ``quiet`` prints its output only at its end, for a command that runs in parallel with another."""

    def __init__(self, name: str, command: list[str], *, quiet: bool = False) -> None:
        self.name, self._command, self._quiet = name, command, quiet
        self._output = b""
        self._started = time.monotonic()
        self._seconds = 0.0
        self.failed = False
        print(f"==> {name}", flush=True)

    def run(self) -> Step:
        """Run the command to its end."""
        process = subprocess.Popen(self._command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert process.stdout
        while chunk := process.stdout.read1():  # type: ignore[attr-defined] # a BufferedReader, typed as IO
            self._output += chunk
            if not self._quiet:
                show(chunk)
        self.failed = process.wait() != 0
        self._seconds = time.monotonic() - self._started
        if self._quiet:
            show(self._output)
        return self

    def outcome(self) -> str:
        """Return a summary of the step, with the command to run it again if it failed."""
        text = self._output.decode(errors="replace")
        if not self.failed:
            counted = COUNT.findall(text)
            return f"{self.name}: {counted[-1] + ' passed, ' if counted else 'passed, '}{minutes(self._seconds)}"
        order = SEED.findall(text)[:1]
        alone = [part for part in self._command if part not in ON_ALL_CORES] if order else self._command
        tests = [f"'{test}'" for test in FAILURE.findall(text)]
        return f"{self.name} FAILED, run again alone: " + " ".join([*alone, *order, *tests])


def show(output: bytes) -> None:
    """Print the output of a command."""
    sys.stdout.buffer.write(output)
    sys.stdout.flush()


def minutes(seconds: float) -> str:
    """Format seconds as minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def tests(name: str, python: str, *options: str) -> Step:
    """Run tests."""
    seed = os.environ.get("SEED")
    order = [f"--randomly-seed={seed}"] if seed else []
    return Step(name, [python, "-m", "pytest", "-q", *order, *options]).run()


def check(python: str) -> list[Step]:
    """Run lint, types, architecture and unit tests."""
    with checked_types(python) as steps:
        steps.append(tests("Architecture and unit tests", python, *ON_ALL_CORES, *INNER_LOOP))
    return steps


def whole(python: str, python_211: str = "") -> list[Step]:
    """Run lint, types and all tests except slow ones; on 2.11 only those that touch Airflow."""
    with checked_types(python) as steps:
        steps.append(tests("Tests on Airflow 3.3", python, *ON_ALL_CORES))
        if python_211:
            steps.append(tests("Tests on Airflow 2.11 that touch it", python_211, *ON_ALL_CORES, "--airflow=touched"))
    return steps


def slow(python: str, python_211: str = "") -> list[Step]:
    """Run the slow tests, and on 2.11 also those that `whole` leaves out."""
    steps = [tests("Slow tests on Airflow 3.3", python, *ON_ALL_CORES, "-m", "slow")]
    if python_211:
        steps.append(tests("Slow tests on Airflow 2.11", python_211, *ON_ALL_CORES, "-m", "slow"))
        steps.append(tests("Tests on Airflow 2.11 that do not touch it", python_211, *ON_ALL_CORES, "--airflow=not"))
    return steps


@contextmanager
def checked_types(python: str) -> Iterator[list[Step]]:
    """Run lint, then check types in parallel with the block; gives the list of steps."""
    bin_ = Path(python).parent
    steps = [
        Step("Lint", [f"{bin_}/ruff", "check", "."]).run(),
        Step("Format", [f"{bin_}/ruff", "format", "--check", "."]).run(),
    ]
    types = Step("Types, beside the tests", [f"{bin_}/mypy"], quiet=True)
    thread = threading.Thread(target=types.run)
    thread.start()
    yield steps
    thread.join()
    steps.append(types)


def main() -> None:
    """Run the steps of a target; the exit code is 1 if one of them failed."""
    kind, *pythons = sys.argv[1:]
    started = time.monotonic()
    steps = KINDS[kind](*pythons)
    print("\n" + result(steps, minutes(time.monotonic() - started)))
    if kind != "check" and len(pythons) == 1:
        print(NOT_RUN)
    sys.exit(any(step.failed for step in steps))


def result(steps: list[Step], time_taken: str) -> str:
    """Return one line if all steps passed, else one line for each failed step."""
    if failed := [step.outcome() for step in steps if step.failed]:
        return "\n".join(failed)
    return f"Passed in {time_taken} (" + "; ".join(step.outcome() for step in steps) + ")"


KINDS = {"check": check, "test": whole, "slow": slow}

if __name__ == "__main__":
    main()

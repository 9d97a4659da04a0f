"""Cases about thousands of waits: their requests, latency, memory and load on the event loop."""

from __future__ import annotations

import contextlib
import json
import random
import statistics
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.emulator import Emulator
from airflow_provider_taskcluster.waits.conditions.artifacts import ArtifactWait
from airflow_provider_taskcluster.waits.conditions.index import IndexWait
from airflow_provider_taskcluster.waits.conditions.objects import ObjectWait
from airflow_provider_taskcluster.waits.conditions.runs import RunWait
from airflow_provider_taskcluster.waits.conditions.tasks import TaskWait
from airflow_provider_taskcluster.waits.serialization import serialize_wait

from . import world
from .servers import Emulated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from .workspace import Measure, Workspace

WAITS = 5000
MOST_WAITS = 100_000
NAMES = 10
RUNNING = 100
RUNS = 200
INTERVAL = 5.0
WATCHED = 4
KIB = 1024

_most_tasks: dict[Path, Measurements] = {}


@dataclass(frozen=True)
class Rhythm:
    """When waits are looked at.

    :param interval: Seconds between two looks at a wait.
    :param watched: Intervals that are measured; in the one before them, each wait is checked for the first time.
    """

    interval: float = INTERVAL
    watched: int = WATCHED


# For 100,000 waits: the emulator takes some seconds to answer the 100 calls of a round.
SLOW = Rhythm(30.0, 2)


@dataclass(frozen=True)
class Measurements:
    """Measurements of a process that held waits.

    :param waits: Their number.
    :param rhythm: When they were looked at.
    :param requests: Monotonic time of each JSON request.
    :param finished: Monotonic time at which each awaited artifact was finished, by the number of its wait.
    :param events: Monotonic time of each wait's event, by the number of the wait.
    :param lag: Seconds by which the event loop was late, sorted: ``idle`` and ``busy``.
    :param run: The run of the process.
    """

    waits: int
    rhythm: Rhythm
    requests: list[float]
    finished: dict[int, float]
    events: dict[int, float]
    lag: dict[str, list[float]]
    run: world.Run


@contextlib.contextmanager
def _artifact_waits(folder: Path, *, finishing: bool) -> Iterator[Callable[[str], Measurements]]:
    """Hold 5,000 waits for artifacts of 500 tasks, of which 100 are running.

    :param finishing: Finish some of the artifacts meanwhile.
    """
    with Emulator(data_dir=folder / "emulator") as tc:

        def measure(contender: str) -> Measurements:
            running = tc.bulk.create(RUNNING, state="running")
            tasks = running + tc.bulk.create(WAITS // NAMES - RUNNING)
            waits = [(task_id, f"public/{number}.txt") for task_id in tasks for number in range(NAMES)]
            described = [serialize_wait(ArtifactWait(task_id=task_id, names=[name])) for task_id, name in waits]
            chosen = random.sample(range(RUNNING * NAMES), RUNNING * NAMES // 2) if finishing else []

            def finish(number: int) -> None:
                task_id, name = waits[number]
                tc.bulk.announce([task_id], name)
                tc.bulk.finish([task_id], name)

            return _hold(folder, tc, contender, described, Finishing(chosen, finish))

        yield measure


@contextlib.contextmanager
def _task_waits(folder: Path, count: int, rhythm: Rhythm) -> Iterator[Callable[[str], Measurements]]:
    """Hold waits for as many tasks."""
    with Emulator(data_dir=folder / "emulator") as tc:

        def measure(contender: str) -> Measurements:
            tasks = tc.bulk.create(count)
            described = [serialize_wait(TaskWait(task_ids=[task_id], states=["completed"])) for task_id in tasks]
            return _hold(folder, tc, contender, described, Finishing([], lambda _: None), rhythm=rhythm)

        yield measure


@contextlib.contextmanager
def _mixed_waits(folder: Path) -> Iterator[Callable[[str], Measurements]]:
    """Hold 1,000 waits: for 300 tasks, 300 artifacts of 100 running tasks, 200 index paths and 200 objects."""
    with Emulator(data_dir=folder / "emulator") as tc:

        def measure(contender: str) -> Measurements:
            tasks, running = tc.bulk.create(300), tc.bulk.create(RUNNING, state="running")
            described = [
                *(serialize_wait(TaskWait(task_ids=[task_id], states=["completed"])) for task_id in tasks),
                *(
                    serialize_wait(ArtifactWait(task_id=task, names=[f"public/{n}.txt"]))
                    for task in running
                    for n in range(3)
                ),
                *(serialize_wait(IndexWait(index_path=f"benchmark.builds.{number}")) for number in range(200)),
                *(serialize_wait(ObjectWait(names=[f"benchmark/{number}"])) for number in range(200)),
            ]
            return _hold(folder, tc, contender, described, Finishing([], lambda _: None))

        yield measure


@contextlib.contextmanager
def _run_waits(folder: Path) -> Iterator[Callable[[str], Measurements]]:
    """Hold 200 waits for the runs of as many tasks, of which 100 are running, as deferred operators do."""
    with Emulator(data_dir=folder / "emulator") as tc:

        def measure(contender: str) -> Measurements:
            tasks = [*tc.bulk.create(RUNS - RUNNING), *tc.bulk.create(RUNNING, state="running")]
            described = [serialize_wait(RunWait(task_id=task_id, run_id=0)) for task_id in tasks]
            return _hold(folder, tc, contender, described, Finishing([], lambda _: None))

        yield measure


@dataclass(frozen=True)
class Finishing:
    """The numbers of the waits whose artifacts are finished meanwhile, and the function that finishes one."""

    chosen: list[int]
    finish: Callable[[int], None]


def _hold(
    folder: Path,
    tc: Emulator,
    contender: str,
    described: list[Any],
    finishing: Finishing,
    *,
    rhythm: Rhythm = Rhythm(),
) -> Measurements:
    """Hold waits in a process of their own, and finish some of their artifacts meanwhile."""
    waits, report = folder / "waits.json", folder / "report.json"
    waits.write_text(json.dumps(described))

    interval, watched = rhythm.interval, rhythm.watched
    seconds = (watched + 2) * interval
    finished: dict[int, float] = {}
    ended = threading.Event()

    def finish_some() -> None:
        while not tc.journal and not ended.wait(0.05):  # until the first check
            pass
        last = time.monotonic() + (watched - 1) * interval  # later ones might not be checked again
        for number in finishing.chosen:
            if ended.wait((watched - 1) * interval / len(finishing.chosen)) or time.monotonic() > last:
                return
            finishing.finish(number)
            finished[number] = time.monotonic()

    here = Emulated(tc.root_url, tc.client_id, tc.access_token)
    near = world.World(folder, folder, here, tc.root_url, world.client_environment(folder, here, tc.root_url))
    tc.journal.clear()
    thread = threading.Thread(target=finish_some)
    thread.start()
    try:
        run = near.contend(contender, waits=str(waits), report=str(report), interval=interval, seconds=seconds)
    finally:
        ended.set()
        thread.join()
    measured = json.loads(report.read_text())
    return Measurements(
        waits=len(described),
        rhythm=rhythm,
        requests=sorted(entry.time for entry in tc.journal.entries(origin="api")),
        finished=finished,
        events={number: timestamp for number, outcome, timestamp in measured["events"] if outcome == "found"},
        lag=measured["lag"],
        run=run,
    )


@contextlib.contextmanager
def unchanging(workspace: Workspace) -> Iterator[Measure]:
    """Requests per interval of artifact waits for which nothing changes."""
    with _artifact_waits(workspace.folder, finishing=False) as hold:
        yield _about(hold, requests_each_interval)


@contextlib.contextmanager
def many_tasks(workspace: Workspace) -> Iterator[Measure]:
    """Requests per interval of task waits."""
    with _task_waits(workspace.folder, WAITS, Rhythm()) as hold:
        yield _about(hold, requests_each_interval)


@contextlib.contextmanager
def most_tasks(workspace: Workspace, figure: Callable[[Measurements], float]) -> Iterator[Measure]:
    """A figure of 100,000 task waits. All cases and rounds share one run, which takes minutes."""

    def hold_once(contender: str) -> Measurements:
        if workspace.folder not in _most_tasks:
            with _task_waits(workspace.folder, MOST_WAITS, SLOW) as hold:
                _most_tasks[workspace.folder] = hold(contender)
        return _most_tasks[workspace.folder]

    yield _about(hold_once, figure)


@contextlib.contextmanager
def mixed(workspace: Workspace) -> Iterator[Measure]:
    """Requests per interval of waits of all kinds."""
    with _mixed_waits(workspace.folder) as hold:
        yield _about(hold, requests_each_interval)


@contextlib.contextmanager
def runs(workspace: Workspace, figure: Callable[[Measurements], float]) -> Iterator[Measure]:
    """A figure of waits for runs of tasks that go on."""
    with _run_waits(workspace.folder) as hold:
        yield _about(hold, figure)


@contextlib.contextmanager
def changing(workspace: Workspace, figure: Callable[[Measurements], float]) -> Iterator[Measure]:
    """Another figure, while the artifacts of one in ten waits are finished."""
    with _artifact_waits(workspace.folder, finishing=True) as hold:
        yield _about(hold, figure)


def _about(hold: Callable[[str], Measurements], figure: Callable[[Measurements], float]) -> Measure:
    def measure(contender: str) -> world.Run:
        measurements = hold(contender)
        return measurements.run.about(figure(measurements))

    return measure


def requests_each_interval(measurements: Measurements) -> float:
    """Return the JSON requests per interval, after the first check of each wait."""
    interval, watched = measurements.rhythm.interval, measurements.rhythm.watched
    start = measurements.requests[0] + interval * 1.1
    counted = [timestamp for timestamp in measurements.requests if start <= timestamp < start + watched * interval]
    return len(counted) / watched


def latency(measurements: Measurements) -> float:
    """Return the 99th percentile of the seconds from the end of an upload to the event of its wait."""
    if missing := measurements.finished.keys() - measurements.events.keys():
        raise world.ContenderFailed(f"{len(missing)} of {len(measurements.finished)} waits got no event")
    return _percentile(
        [measurements.events[number] - measurements.finished[number] for number in measurements.finished], 99
    )


def loop_lag(measurements: Measurements) -> float:
    """Return by how many milliseconds the event loop was late, less those when idle: the 99.9th percentiles."""
    return (_percentile(measurements.lag["busy"], 99.9) - _percentile(measurements.lag["idle"], 99.9)) * 1000


def memory_each(measurements: Measurements) -> float:
    """Return the KiB of memory for each wait."""
    return measurements.run.memory / measurements.waits / KIB


def _percentile(figures: list[float], percent: float) -> float:
    return statistics.quantiles(figures, n=1000, method="inclusive")[round(percent * 10) - 1]

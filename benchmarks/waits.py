"""The cases about waits: what thousands of them cost in requests, time, memory and peace of the event loop."""

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
from airflow_provider_taskcluster.waits.conditions.tasks import TaskWait
from airflow_provider_taskcluster.waits.serialization import serialize_wait

from . import world
from .servers import Emulated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from .cases import Ground, Measure

WAITS = 5000
NAMES = 10
RUNNING = 100
INTERVAL = 5.0
# Intervals that are watched; in the one before them each wait has its first look.
WATCHED = 4
KIB = 1024


@dataclass(frozen=True)
class Held:
    """What came of holding waits.

    :param requests: Monotonic time of each JSON request.
    :param finished: When each of the waits that could be found could be, by its number.
    :param events: When each of them was, by its number.
    :param lag: By how many seconds the loop was late, sorted: ``idle`` and ``busy``.
    :param memory: Bytes above the beginning, at the peak.
    """

    requests: list[float]
    finished: dict[int, float]
    events: dict[int, float]
    lag: dict[str, list[float]]
    memory: int


@contextlib.contextmanager
def _artifact_waits(folder: Path, *, finishing: bool) -> Iterator[Callable[[str], Held]]:
    """5,000 waits for artifacts of 500 tasks, of which 100 are running.

    :param finishing: Artifacts are finished while they are waited for, here and there.
    """
    with Emulator(data_dir=folder / "emulator") as tc:

        def measure(contender: str) -> Held:
            running = tc.bulk.create(RUNNING, state="running")
            tasks = running + tc.bulk.create(WAITS // NAMES - RUNNING)
            waits = [(task_id, f"public/{number}.txt") for task_id in tasks for number in range(NAMES)]
            described = [serialize_wait(ArtifactWait(task_id=task_id, names=[name])) for task_id, name in waits]
            chosen = random.sample(range(RUNNING * NAMES), RUNNING * NAMES // 2) if finishing else []

            def finish(number: int) -> None:
                task_id, name = waits[number]
                tc.bulk.announce([task_id], name)
                tc.bulk.finish([task_id], name)

            return _held(folder, tc, contender, described, Finishing(chosen, finish))

        yield measure


@contextlib.contextmanager
def _task_waits(folder: Path) -> Iterator[Callable[[str], Held]]:
    """5,000 waits for as many tasks."""
    with Emulator(data_dir=folder / "emulator") as tc:

        def measure(contender: str) -> Held:
            tasks = tc.bulk.create(WAITS)
            described = [serialize_wait(TaskWait(task_ids=[task_id], states=["completed"])) for task_id in tasks]
            return _held(folder, tc, contender, described, Finishing([], lambda _: None))

        yield measure


@contextlib.contextmanager
def _mixed_waits(folder: Path) -> Iterator[Callable[[str], Held]]:
    """1,000 waits of all kinds: 300 for tasks, 300 for artifacts of 100 running tasks, 200 index, 200 objects."""
    with Emulator(data_dir=folder / "emulator") as tc:

        def measure(contender: str) -> Held:
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
            return _held(folder, tc, contender, described, Finishing([], lambda _: None))

        yield measure


@dataclass(frozen=True)
class Finishing:
    """Which waits come to their end while they are held, by number, and how."""

    chosen: list[int]
    finish: Callable[[int], None]


def _held(folder: Path, tc: Emulator, contender: str, described: list[Any], finishing: Finishing) -> Held:
    """Hold the waits in a process of their own, and let some of them come to their end meanwhile."""
    waits, report = folder / "waits.json", folder / "report.json"
    waits.write_text(json.dumps(described))
    seconds = (WATCHED + 2) * INTERVAL
    finished: dict[int, float] = {}
    ended = threading.Event()

    def finish_some() -> None:
        while not tc.journal and not ended.wait(0.05):  # the first look
            pass
        last = time.monotonic() + (WATCHED - 1) * INTERVAL  # what is finished later might not be looked at again
        for number in finishing.chosen:
            if ended.wait((WATCHED - 1) * INTERVAL / len(finishing.chosen)) or time.monotonic() > last:
                return
            finishing.finish(number)
            finished[number] = time.monotonic()

    here = Emulated(tc.root_url, tc.client_id, tc.access_token)
    near = world.World(folder, folder, here, tc.root_url, world.client_environment(folder, here, tc.root_url))
    tc.journal.clear()
    thread = threading.Thread(target=finish_some)
    thread.start()
    try:
        run = near.contend(contender, waits=str(waits), report=str(report), interval=INTERVAL, seconds=seconds)
    finally:
        ended.set()
        thread.join()
    found = json.loads(report.read_text())
    return Held(
        requests=sorted(entry.time for entry in tc.journal.entries(origin="api")),
        finished=finished,
        events={number: moment for number, outcome, moment in found["events"] if outcome == "found"},
        lag=found["lag"],
        memory=run.memory,
    )


@contextlib.contextmanager
def unchanging(ground: Ground) -> Iterator[Measure]:
    """Requests of artifact waits for which nothing changes."""
    with _artifact_waits(ground.folder, finishing=False) as hold:
        yield lambda contender: requests_each_interval(hold(contender))


@contextlib.contextmanager
def many_tasks(ground: Ground) -> Iterator[Measure]:
    """Requests of task waits."""
    with _task_waits(ground.folder) as hold:
        yield lambda contender: requests_each_interval(hold(contender))


@contextlib.contextmanager
def mixed(ground: Ground) -> Iterator[Measure]:
    """Requests of waits of all kinds."""
    with _mixed_waits(ground.folder) as hold:
        yield lambda contender: requests_each_interval(hold(contender))


@contextlib.contextmanager
def changing(ground: Ground, figure: Callable[[Held], float]) -> Iterator[Measure]:
    """Another figure, while one in ten of the artifact waits comes to its end."""
    with _artifact_waits(ground.folder, finishing=True) as hold:
        yield lambda contender: figure(hold(contender))


def requests_each_interval(held: Held) -> float:
    """JSON requests in an interval, when each wait has had its first look."""
    start = held.requests[0] + INTERVAL * 1.1
    counted = [moment for moment in held.requests if start <= moment < start + WATCHED * INTERVAL]
    return len(counted) / WATCHED


def latency(held: Held) -> float:
    """Seconds from the end of an upload to its event, the 99th percentile."""
    if missing := held.finished.keys() - held.events.keys():
        raise world.ContenderFailed(f"{len(missing)} of {len(held.finished)} waits got no event")
    return _percentile([held.events[number] - held.finished[number] for number in held.finished], 99)


def block(held: Held) -> float:
    """Milliseconds for which the loop stood still, less those of an idle one: the 99.9th percentiles."""
    return (_percentile(held.lag["busy"], 99.9) - _percentile(held.lag["idle"], 99.9)) * 1000


def memory_each(held: Held) -> float:
    """KiB for a wait."""
    return held.memory / WAITS / KIB


def _percentile(figures: list[float], percent: float) -> float:
    return statistics.quantiles(figures, n=1000, method="inclusive")[round(percent * 10) - 1]

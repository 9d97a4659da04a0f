"""Rounds of work, each like some tasks of DAGs: small and large transfers, waits, and a task that is run."""

from __future__ import annotations

import contextlib
import shutil
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.fs.filesystem import TaskclusterFileSystem
from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
from airflow_provider_taskcluster.operators.run_task import TaskclusterRunTaskOperator
from airflow_provider_taskcluster.waits.conditions.objects import ObjectWait
from airflow_provider_taskcluster.waits.conditions.tasks import TaskWait

from .context import context

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from random import Random

    from airflow_provider_taskcluster.waits.protocol import Wait

    from .triggerer import Triggerer

KIB, MIB = 1 << 10, 1 << 20
QUEUE = "emulator/linux"
SMALL_MOST = 256 * KIB
LARGE, PART = 32 * MIB, 8 * MIB
# Rounds between two uploads of the large object, which all rounds download: the emulator keeps all that is uploaded.
LARGE_EVERY = 20
# Waits that last as long as the process, and waits for one object that each round makes.
IDLE_WAITS, WAITS = 200, 10
EVENT_SECONDS = 60
COMMAND = "for i in $(seq 200); do echo line $i; done; echo done > result.txt"
PAYLOAD = {
    "command": [["sh", "-c", COMMAND]],
    "maxRunTime": 60,
    "artifacts": [{"type": "file", "path": "result.txt", "name": "public/result.txt"}],
}


class Rounds:
    """The work of the process.

    :param folder: For the files of one round, removed after it.
    :param prefix: Names of objects begin with it.
    """

    def __init__(self, folder: Path, prefix: str, triggerer: Triggerer) -> None:
        self.done: Counter[str] = Counter()
        self._folder = folder / "round"
        self._prefix = f"soak/{prefix}"
        self._triggerer = triggerer
        self._large = b""
        self._large_name = ""

    def idle_waits(self) -> Sequence[Wait]:
        """Return waits for what never comes."""
        return [ObjectWait(names=[f"{self._prefix}/never/{number}"]) for number in range(IDLE_WAITS)]

    def run(self, number: int, random: Random) -> None:
        """Do all kinds of work once. A hook lives for one round, as it does for one task of a DAG.

        :raises AssertionError: A result is wrong.
        """
        self._folder.mkdir(parents=True)
        with contextlib.closing(TaskclusterHook()) as hook:
            self._move_small(hook, f"{self._prefix}/{number}", random)
            self._move_large(hook, number, random)
            self._run_task(hook, number)
        shutil.rmtree(self._folder)
        self.done["rounds"] += 1

    def _move_small(self, hook: TaskclusterHook, name: str, random: Random) -> None:
        """Upload a small object for which triggers wait, download it, and read it as a file."""
        waiting = [self._triggerer.run(ObjectWait(names=[name])) for _ in range(WAITS)]
        content, file = random.randbytes(random.randrange(SMALL_MOST)), self._folder / "small"
        hook.upload_object(content, name, expires=_tomorrow())
        hook.download_object(name, file)
        assert file.read_bytes() == content
        with TaskclusterFileSystem(skip_instance_cache=True).open(f"objects/{name}") as opened:
            assert opened.read() == content
        assert {each.result(EVENT_SECONDS)["outcome"] for each in waiting} == {"found"}
        self.done["small objects"] += 1
        self.done["waits"] += WAITS

    def _move_large(self, hook: TaskclusterHook, number: int, random: Random) -> None:
        """Download the large object, in parts over several connections; now and then upload another one first."""
        if number % LARGE_EVERY == 0:
            self._large, self._large_name = random.randbytes(LARGE), f"{self._prefix}/large/{number}"
            hook.upload_object(self._large, self._large_name, expires=_tomorrow(), multipart="always", part_size=PART)
            self.done["large uploads"] += 1
        file = self._folder / "large"
        hook.download_object(self._large_name, file, connections=4)
        assert file.read_bytes() == self._large
        self.done["large downloads"] += 1

    def _run_task(self, hook: TaskclusterHook, number: int) -> None:
        """Run a task, whose log is shown, and download its artifacts."""
        operator = TaskclusterRunTaskOperator(
            task_id="run", task_queue_id=QUEUE, payload=PAYLOAD, log="live", poll_interval=0.2
        )
        ran = operator.execute(context(f"{self._prefix}/{number}"))
        assert ran is not None
        assert ran["state"] == "completed"
        assert (
            self._triggerer.run(TaskWait(task_ids=[ran["task_id"]], states=["completed"])).result(EVENT_SECONDS)[
                "outcome"
            ]
            == "found"
        )
        files = hook.open_payload(ran["task_id"]).download(self._folder / "payload").files
        assert files
        self.done["waits"] += 1
        self.done["tasks"] += 1
        self.done["artifacts"] += len(files)


def _tomorrow() -> datetime:
    return datetime.now(UTC) + timedelta(days=1)

"""The emulator as a program with a worker: ``--worker QUEUE``."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from command_tasks import Queue
from emulator_clients import Clients, eventually

COMMAND = [sys.executable, "-m", "airflow_provider_taskcluster.emulator"]


class Program:
    """A running emulator process, with the attributes that a library one has."""

    def __init__(self, process):
        self.__dict__.update(json.loads(process.stdout.readline()))
        self.process = process

    def queue(self, task_queue_id):
        queue = Queue(Clients(self, {"clientId": self.client_id, "accessToken": self.access_token}))
        queue._creator.task_queue_id = queue.task_queue_id = task_queue_id
        return queue

    def stop(self, number=signal.SIGTERM):
        """Stop, and return what it logged."""
        self.process.send_signal(number)
        return self.process.communicate(timeout=20)[1]


@contextmanager
def program(*arguments):
    with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield Program(process)
        finally:
            process.kill()


def test_it_runs_the_tasks_of_the_queues_that_are_named_and_no_others():
    with program("--worker", "emulator/linux", "--worker", "emulator/other") as tc:
        queues = [tc.queue(name) for name in ("emulator/linux", "emulator/other", "emulator/none")]
        task_ids = [queue.create(["echo", "hello"]) for queue in queues]
        for queue, task_id in zip(queues[:2], task_ids, strict=False):
            assert queue.end(task_id) == ("completed", "completed")
            assert "hello" in queue.log(task_id).splitlines()
        assert queues[2].status(task_ids[2])["state"] == "pending"
        log = tc.stop()
    assert "A worker runs the tasks of emulator/linux: it does whatever a task tells it to, as this user" in log
    assert tc.process.returncode == 0


def test_without_the_option_there_is_no_worker():
    with program() as tc:
        queue = tc.queue("emulator/linux")
        task_id = queue.create(["true"])
        log = tc.stop()
    assert "worker" not in log
    assert "claim-work" not in log
    assert task_id in log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_gives_the_task_back_which_is_run_again_after_the_next_start(tmp_path, number):
    options = ["--data-dir", str(tmp_path), "--worker", "emulator/linux"]
    with program(*options) as tc:
        queue = tc.queue("emulator/linux")
        task_id = queue.create(["sh", "-c", 'echo run $RUN_ID; [ "$RUN_ID" -gt 0 ] || exec sleep 600'])
        url = queue.wait_for_output(task_id, "\nrun 0\n")
        log = tc.stop(number)
    assert tc.process.returncode == 0
    assert url.rsplit("/", 1)[1] not in log
    with program(*options) as tc:
        queue = tc.queue("emulator/linux")
        assert queue.end(task_id) == ("completed", "completed")
        assert queue.runs(task_id) == [("exception", "worker-shutdown"), ("completed", "completed")]
        assert "\nrun 0\n" in queue.log(task_id, 0)
        assert "\nrun 1\n" in queue.log(task_id, 1)


def test_a_task_that_is_killed_by_a_signal_to_the_program_leaves_no_process(tmp_path):
    with program("--worker", "emulator/linux") as tc:
        queue = tc.queue("emulator/linux")
        queue.create(["sh", "-c", f"echo $$ > {tmp_path}/pid; exec sleep 600"])
        pid = eventually(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip(), 10)
        assert Path(f"/proc/{pid}").exists()
        tc.stop()
    eventually(lambda: not Path(f"/proc/{pid}").exists())


def test_a_queue_that_cannot_be_is_named():
    done = subprocess.run([*COMMAND, "--worker", "linux"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "'linux' is no task queue: pass one such as emulator/linux" in done.stderr


def test_the_help_warns_of_the_worker():
    done = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, timeout=60, check=True)
    assert re.search(r"runs whatever a task tells it to, as this user:\n  --worker QUEUE", done.stdout)

"""Tasks for the command worker, and what they leave behind."""

from __future__ import annotations

import sys
import urllib.request
from contextlib import contextmanager

from emulator_clients import eventually, fresh, http

from airflow_provider_taskcluster.emulator.worker import CommandWorker, Worker, WorkerSettings

PYTHON = sys.executable
UNRESOLVED = {"unscheduled", "pending", "running"}
LIVE, BACKING = "public/logs/live.log", "public/logs/live_backing.log"
SLEEP = ["sh", "-c", "echo begun; exec sleep 600"]


class Queue:
    """A queue of its own, and the upstream client for its tasks."""

    def __init__(self, clients):
        self.clients = clients
        self.queue = clients.queue
        self.task_queue_id = f"emulator/{fresh('commands')}"
        self._creator = Worker(clients.tc.root_url, clients.credentials, task_queue_id=self.task_queue_id)

    @contextmanager
    def worker(self, **settings):
        with CommandWorker(
            self.clients.tc.root_url,
            self.clients.credentials,
            task_queue_id=self.task_queue_id,
            settings=WorkerSettings(**settings),
        ) as worker:
            yield worker

    def create(self, *command, definition=None, **payload):
        payload = {"command": list(command), "maxRunTime": 60, **payload}
        return self._creator.create_task(payload=payload, **(definition or {}))

    def create_python(self, source, **payload):
        return self.create([PYTHON, "-c", source], **payload)

    def status(self, task_id):
        return self.queue.status(task_id)["status"]

    def runs(self, task_id):
        return [(run["state"], run.get("reasonResolved")) for run in self.status(task_id)["runs"]]

    def end(self, task_id, seconds=20):
        """Wait until a task is resolved, and return its last run's state and reason."""
        eventually(lambda: self.status(task_id)["state"] not in UNRESOLVED, seconds)
        return self.runs(task_id)[-1]

    def content(self, task_id, name, run_id=0):
        url = self.queue.buildSignedUrl("getArtifact", task_id, run_id, name)
        status, headers, body = http("GET", url)
        return http("GET", headers["Location"])[2] if status == 303 else (status, body)

    def log(self, task_id, run_id=0):
        return self.content(task_id, BACKING, run_id).decode()

    def late_log(self, task_id, run_id=0):
        """Wait for the backing log, which is listed before its upload is finished, and return it."""

        def log():
            content = self.content(task_id, BACKING, run_id)
            return None if isinstance(content, tuple) else content.decode()

        return eventually(log, 10)

    def artifacts(self, task_id, run_id=0):
        return {each["name"]: each["storageType"] for each in self.queue.listArtifacts(task_id, run_id)["artifacts"]}

    def wait_for_output(self, task_id, text, run_id=0):
        """Read the live log of a run until a text is in it; return the URL of the stream."""
        url = self.stream_url(task_id, run_id)
        log = b""
        with urllib.request.urlopen(url, timeout=10) as response:
            while text.encode() not in log:
                piece = response.read1()
                assert piece, f"the stream ended without {text!r}"
                log += piece
        return url

    def stream_url(self, task_id, run_id=0):
        """Wait for the live log of a run, and return its URL."""
        eventually(lambda: self.status(task_id)["state"] == "running", 10)
        eventually(lambda: self.artifacts(task_id, run_id).get(LIVE) == "reference", 10)
        return self.queue.artifact(task_id, run_id, LIVE)["url"]

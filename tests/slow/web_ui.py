"""``make ui``, running: what it printed, and Airflow's API as the web UI calls it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 120


@contextmanager
def running():
    """Start ``make ui``; at the end, stop it by Ctrl-C and see that it cleans up."""
    command = [sys.executable, "-u", Path(__file__).parents[2] / "scripts" / "ui.py"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            yield WebUI(process)
        finally:
            process.send_signal(signal.SIGINT)
            rest, _ = process.communicate(timeout=60)
        assert rest.endswith("Stopped, and cleaned up.\n")
        assert process.returncode == 0


class WebUI:
    """A running Airflow; ``taskcluster`` is the root URL of the emulator behind it."""

    def __init__(self, running):
        self.printed = ""
        while "Ctrl-C" not in self.printed:
            line = running.stdout.readline()
            assert line, self.printed
            self.printed += line
        said = re.search(r"(http://\S+)\s+login admin, password (\S+)", self.printed)
        self.address, self.password = said.groups()
        self.taskcluster = re.search(r"Taskcluster  (\S+)", self.printed)[1]
        self.token = None
        self.token = self.call("/auth/token", username="admin", password=self.password)["access_token"]

    def call(self, path, method=None, **body):
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = json.dumps(body).encode() if body else None
        request = urllib.request.Request(self.address + path, data=data, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    @property
    def clients(self):
        """Options for the classes of the ``taskcluster`` package: all that the printed environment may do."""
        known = dict(re.findall(r"^export TASKCLUSTER_(\w+)=(.*)$", self.printed, re.MULTILINE))
        credentials = {"clientId": known["CLIENT_ID"], "accessToken": known["ACCESS_TOKEN"]}
        return {"rootUrl": known["ROOT_URL"], "credentials": credentials}

    def xcom(self, run, task_id, key):
        """What a task has left."""
        return self.call(f"{self._path(run)}/taskInstances/{task_id}/xcomEntries/{key}?deserialize=true")["value"]

    def run(self, dag_id, **conf):
        """Run a DAG; its run, when it has ended."""
        return self._until(self._path(self.start(dag_id, **conf)), {"success", "failed"})

    def start(self, dag_id, **conf):
        """Begin to run a DAG, as soon as the DAG processor has found it; its run."""
        return self._found(f"/api/v2/dags/{dag_id}/dagRuns", logical_date=None, conf=conf)

    def deferred(self, run, task_id):
        """Wait until a task of a run waits in the triggerer."""
        self._until(f"{self._path(run)}/taskInstances/{task_id}", {"deferred"})

    def _path(self, run):
        return f"/api/v2/dags/{run['dag_id']}/dagRuns/{run['dag_run_id']}"

    def _until(self, path, states):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            found = self.call(path)
            if found["state"] in states:
                return found
            time.sleep(1)
        raise AssertionError(f"{path} did not become {' or '.join(states)} within {PATIENCE} s, but {found['state']}")

    def _found(self, path, **body):
        for _ in range(60):
            try:
                return self.call(path, **body)
            except urllib.error.HTTPError as error:
                if error.code != 404:
                    raise
                time.sleep(1)
        raise AssertionError(f"{path} was never found")

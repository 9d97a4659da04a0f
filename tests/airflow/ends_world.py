"""The operators of ``ends_table.py``, and the worker that ends their tasks."""

from __future__ import annotations

import os
import re
import signal
import threading
from datetime import timedelta

from ends_table import ROWS
from waits_in_a_dag import noting

from airflow_provider_taskcluster.operators.run_task import TaskclusterRunTaskOperator

INTERVAL = 0.05  # seconds between two looks
ENOUGH = 0.3  # seconds, until a try that was ended is over
CANCEL = re.compile(r"/task/([\w-]{22})/cancel$")


class World:
    """Creates an operator for each row, and ends its first task as the row says; later tasks complete."""

    def __init__(self, tc, worker):
        self.tc, self.worker = tc, worker
        self.tasks = {}
        self._timers = []
        self._over = threading.Event()
        self._before = len(tc.journal.entries(method="POST"))
        self._thread = threading.Thread(target=self._work)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in (self._thread, *self._timers):
            thread.join()

    def operator(self, row, **options):
        """Create the operator of a row."""
        left = row.endswith("_left")
        common = {"task_queue_id": self.worker.task_queue_id, "payload": {}, "log": "none", "poll_interval": INTERVAL}
        common |= {"name": row, "task_retries": int(left), "retries": 1, "retry_delay": timedelta(0)}
        if row == "blocked":
            common["dependencies"] = self.tc.bulk.create(1, state="failed")
        if row.startswith("timeout"):
            common["execution_timeout"] = timedelta(seconds=1.5)
        if row in {"timeout_left", "killed_left"}:
            common["on_kill"] = "leave"
        return noting(TaskclusterRunTaskOperator)(task_id=row, **{**common, **options})

    def cancels(self):
        """Return the ids of the tasks that operators canceled."""
        entries = self.tc.journal.entries(method="POST")[self._before :]
        return {match[1] for entry in entries if entry.status == 200 and (match := CANCEL.search(entry.path))}

    def normal(self, text):
        """Return the text of an error without the parts that differ in each run."""
        return re.sub(r"(?<![\w-])[\w-]{22}(?![\w-])", "<id>", text.replace(self.tc.root_url, "<root URL>"))

    def _work(self):
        request = {"workerGroup": "emulator", "workerId": "played", "tasks": 1}
        while not self._over.is_set():
            for claim in self.worker.queue.claimWork(self.worker.task_queue_id, request)["tasks"]:
                task_id, row = claim["status"]["taskId"], claim["task"]["metadata"]["name"]
                is_first = row not in self.tasks
                if task_id not in (known := self.tasks.setdefault(row, [])):
                    known.append(task_id)
                if is_first:
                    getattr(self, row, lambda task_id, row=row: self._except(task_id, ROWS[row].end))(task_id)
                else:
                    self.completed(task_id)

    def _except(self, task_id, reason):
        self.tc.bulk.resolve([task_id], "exception", reason)

    def completed(self, task_id):
        self.tc.bulk.resolve([task_id])

    def rerun(self, task_id):
        self.completed(task_id)
        self.tc.bulk.rerun([task_id])

    def failed(self, task_id):
        self.tc.bulk.resolve([task_id], "failed")

    def gone(self, task_id):
        self._later(ENOUGH, lambda: self._remove(task_id))

    def _remove(self, task_id):
        for table in ("tasks", "artifacts", "requirements", "releases"):
            self.tc.bulk._database.execute(f"DELETE FROM {table} WHERE task_id = ?", task_id)

    def timeout(self, task_id):
        """The task runs on until the operator cancels it."""

    def timeout_left(self, task_id):
        self._later(1.5 + ENOUGH, lambda: self.completed(task_id))

    def killed(self, task_id):
        self._later(ENOUGH, lambda: os.kill(os.getpid(), signal.SIGTERM))

    def killed_left(self, task_id):
        self.killed(task_id)
        self._later(2 * ENOUGH, lambda: self.completed(task_id))

    def _later(self, seconds, change):
        self._timers.append(threading.Timer(seconds, change))
        self._timers[-1].start()

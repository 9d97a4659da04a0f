"""The sensors of ``waits_table.py``, and the events during their waits."""

from __future__ import annotations

import json
import re
import secrets
import threading
from datetime import UTC, datetime, timedelta

from waits_in_a_dag import INTERVAL, SOME_LOOKS, noting

from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
from airflow_provider_taskcluster.sensors.artifacts import TaskclusterArtifactSensor
from airflow_provider_taskcluster.sensors.index import TaskclusterIndexSensor
from airflow_provider_taskcluster.sensors.objects import TaskclusterObjectSensor
from airflow_provider_taskcluster.sensors.tasks import TaskclusterTaskGroupSensor, TaskclusterTaskSensor
from airflow_provider_taskcluster.triggers.waits import TaskclusterWaitTrigger

NO_SUCH_PATH = "waits.table.none"


class CrashingTrigger(TaskclusterWaitTrigger):
    async def _verdict(self, wait_log):
        raise RuntimeError("boom")


class WithCrashingTrigger(TaskclusterIndexSensor):
    def trigger(self, deadline):
        _, arguments = super().trigger(deadline).serialize()
        return CrashingTrigger(**arguments)


class World:
    """Creates a sensor for each row."""

    def __init__(self, tc, worker, monkeypatch):
        self.tc, self.worker, self.monkeypatch = tc, worker, monkeypatch
        monkeypatch.setattr(tc, "anonymous_scopes", tc.anonymous_scopes)  # set back after the test
        self.connect()
        self.hook = TaskclusterHook("tc")
        self.timers = []

    def connect(self, conn_id="tc", **fields):
        tc = self.tc
        connection = {"conn_type": "taskcluster", "host": tc.root_url, "login": tc.client_id}
        connection |= {"password": tc.access_token, "extra": {"project_id": "tests", "max_retries": 0}, **fields}
        self.monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(connection))

    def sensor(self, row, **options):
        """Create the sensor of a row."""
        kind, arguments = getattr(self, row)()
        options = {"poke_interval": INTERVAL, "retries": 0, "taskcluster_conn_id": "tc", **options, **arguments}
        noting(kind)(task_id=row, **{"timeout": 60, **options})

    def later(self, change, first=None):
        """Return a ``pre_execute`` by which something changes after the first check."""
        begun = []

        def begin(context):
            if not begun:
                begun.append(first and first(context))
                self.timers.append(threading.Timer(SOME_LOOKS, change))
                self.timers[-1].start()

        return begin

    def object(self):
        name = f"waits/{secrets.token_hex(6)}"
        self.hook.upload_object(b"data", name, expires=datetime.now(UTC) + timedelta(days=1))
        return name

    def running(self):
        return self.worker.claim(self.worker.create_task())

    def there(self):
        return TaskclusterObjectSensor, {"name": self.object()}

    def comes(self):
        run = self.running()
        return TaskclusterTaskSensor, {"taskcluster_task_id": run.task_id, "pre_execute": self.later(run.complete)}

    def never(self):
        run = self.running()
        return TaskclusterTaskSensor, {"taskcluster_task_id": run.task_id, "pre_execute": self.later(run.fail)}

    def behind_a_failed_task(self):
        return self.tc.bulk.create(1, state="unscheduled", dependencies=self.tc.bulk.create(1, state="failed"))[0]

    def blocked(self):
        return TaskclusterTaskSensor, {"taskcluster_task_id": self.behind_a_failed_task()}

    def blocked_artifact(self):
        return TaskclusterArtifactSensor, {"taskcluster_task_id": self.behind_a_failed_task(), "name": "public/a"}

    def blocked_group(self):
        group = self.behind_a_failed_task()  # a task's group has its id
        return TaskclusterTaskGroupSensor, {"task_group_id": group, "states": "completed"}

    def error(self):
        run = self.running()
        run.add_error("public/a", message="no such file")
        return TaskclusterArtifactSensor, {"taskcluster_task_id": run.task_id, "name": "public/a"}

    def other(self):
        return TaskclusterObjectSensor, {"name": self.object(), "expected_digest": "sha256:" + "0" * 64}

    def timeout(self):
        return TaskclusterIndexSensor, {"index_path": NO_SUCH_PATH, "timeout": SOME_LOOKS}

    def execution_timeout(self):
        limit = timedelta(seconds=2.6)  # the first look is within it on a busy machine, too
        return TaskclusterIndexSensor, {"index_path": NO_SUCH_PATH, "execution_timeout": limit}

    def silence(self):
        self.connect("tc_silent", host="http://127.0.0.1:1")
        silent = {"taskcluster_conn_id": "tc_silent", "timeout": SOME_LOOKS}
        return TaskclusterIndexSensor, {"index_path": NO_SUCH_PATH, **silent}

    def connection(self):
        self.connect("tc_broken", host="127.0.0.1:1")
        return TaskclusterIndexSensor, {"index_path": NO_SUCH_PATH, "taskcluster_conn_id": "tc_broken"}

    def credentials(self):
        self.connect("tc_wrong", password="wrong")
        return TaskclusterIndexSensor, {"index_path": NO_SUCH_PATH, "taskcluster_conn_id": "tc_wrong"}

    def scope(self):
        return self.anonymous("tc_without")

    def scope_later(self):
        def take_away():
            self.tc.anonymous_scopes = []

        kind, arguments = self.anonymous("tc_losing", "queue:status:*")
        return kind, {**arguments, "pre_execute": self.later(take_away, arguments["pre_execute"])}

    def anonymous(self, conn_id, *scopes):
        """Wait over a connection without credentials; it has these scopes as soon as the sensor begins."""
        self.connect(conn_id, login=None, password=None)
        run = self.running()

        def begin(context):
            self.tc.anonymous_scopes = list(scopes)

        arguments = {"taskcluster_task_id": run.task_id, "taskcluster_conn_id": conn_id}
        return TaskclusterTaskSensor, {**arguments, "pre_execute": begin}

    def input(self):
        return TaskclusterTaskSensor, {"taskcluster_task_id": "{{ 'not-an-id' }}"}

    def check(self):
        run = self.running()
        run.add("public/a", b"x")
        artifact = {"taskcluster_task_id": run.task_id, "name": "public/a"}
        return TaskclusterArtifactSensor, {**artifact, "check_fn": lambda info: info["length"], "timeout": SOME_LOOKS}

    def crash(self):
        return WithCrashingTrigger, {"index_path": NO_SUCH_PATH, "timeout": SOME_LOOKS}

    def normal(self, text):
        """Return the text of an error without the parts that differ in each run."""
        text = text.replace(self.tc.root_url, "<root URL>").replace("file-missing-on-worker", "<reason>")
        text = re.sub(r"'tc_\w+'", "'tc'", text)
        text = re.sub(r"\b([0-9a-f]{64})\b", "<sum>", re.sub(r"waits/[0-9a-f]{12}", "waits/<id>", text))
        return re.sub(r"line \d+", "line <n>", re.sub(r"(?<![\w-])[\w-]{22}(?![\w-])", "<id>", text))

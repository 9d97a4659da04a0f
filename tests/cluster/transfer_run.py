"""A run of the DAG ``transfers``: what it moves, and what has to be true after it."""

from __future__ import annotations

import json

from airflow_provider_taskcluster.emulator.services.artifacts import object_name
from airflow_provider_taskcluster.emulator.worker import Worker

DAG = "transfers"
UPLOADS, DOWNLOADS = ("parts", "single", "artifact"), ("download", "payload")
TASKS = {*UPLOADS, *DOWNLOADS, "run_task"}
FREE_PARTS = 4
PART_SIZE, CONNECTIONS = 1 << 20, 2  # as in the DAG file


class TransferRun:
    """A run, with a Taskcluster task whose artifacts it uploads and downloads."""

    def __init__(self, cluster, tc, gate, traffic, hook, run_id):
        self.cluster, self.gate, self.traffic, self.hook, self.run_id = cluster, gate, traffic, hook, run_id
        self.content = (cluster.shared / "source").read_bytes()
        worker = Worker(tc.root_url, {"clientId": tc.client_id, "accessToken": tc.access_token})
        self.task_id = worker.create_task()
        run = worker.claim(self.task_id)
        for name in ("a", "b"):
            run.add(f"public/payload/{name}", self.content)
        run.add("public/downloaded", self.content)
        self.created = []
        tc.observers.append(self._observe)

    def _observe(self, _service, operation, _status, answer):
        if operation == "createTask" and answer["status"]["taskQueueId"] == "tests/cluster":
            self.created.append(answer["status"]["taskId"])

    def start(self):
        downloaded = object_name(self.task_id, 0, "public/downloaded")
        self.cluster.services.trigger(DAG, self.run_id, taskcluster_task_id=self.task_id, object=downloaded)

    def names(self, task):
        """The objects that a task moves."""
        if task == "parts":
            return self.traffic.parts(f"{self.run_id}/parts")
        if task == "single":
            return {f"{self.run_id}/single"}
        artifacts = {
            "artifact": [f"public/{self.run_id}"],
            "download": ["public/downloaded"],
            "payload": ["public/payload/a", "public/payload/b"],
        }
        return {object_name(self.task_id, 0, name) for name in artifacts[task]}

    def in_the_middle(self):
        """The tasks of which some is done and some is not."""
        ways = {**dict.fromkeys(UPLOADS, "PUT"), **dict.fromkeys(DOWNLOADS, "GET")}
        found = {task for task, way in ways.items() if self.traffic.under_way(self.names(task), way)}
        return found | ({"run_task"} if any(self.hook.task_status(each)["runs"] for each in self.created) else set())

    def bring_to_the_middle(self):
        """Start, and close the gate, until each task is in the middle of what it does."""
        self.gate.close(FREE_PARTS)
        self.start()
        self.cluster.services.wait_for("transfers in the middle", lambda: self.in_the_middle() == TASKS)

    def go_on(self):
        """Let the transfers and the Taskcluster task go on."""
        self.gate.open()
        (self.cluster.shared / f"{self.run_id}.gate").touch()

    def wait_for_success(self):
        assert self.cluster.services.wait_for_end(self.run_id) == "success", self.cluster.tries(self.run_id)

    def moved_again(self):
        """Bytes that went more than once to or from the store, by task."""
        again = {task: self.traffic.received(self.names(task)) - len(self.content) for task in UPLOADS}
        again["download"] = self.traffic.sent(self.names("download")) - len(self.content)
        again["payload"] = self.traffic.sent(self.names("payload")) - 2 * len(self.content)
        return again

    def check_contents(self):
        """Hold that all arrived, and that the Taskcluster task was made once."""
        for name in (f"{self.run_id}/parts", f"{self.run_id}/single"):
            assert self.hook.read_object(name) == self.content
        assert self.hook.read_artifact(self.task_id, f"public/{self.run_id}") == self.content
        folder = self.cluster.shared / self.run_id
        assert [path.name for path in folder.iterdir()] == ["download"]
        assert (folder / "download").read_bytes() == self.content
        payloads = [folder / self.run_id for folder in self.cluster.own_data.values()]
        (payload,) = [folder for folder in payloads if (folder / "taskcluster-payload.json").exists()]
        files = {path.name: path for path in payload.rglob("*") if path.is_file()}
        assert files.keys() == {"a", "b", "taskcluster-payload.json"}
        assert files["a"].read_bytes() == files["b"].read_bytes() == self.content
        (created,) = self.created
        assert json.loads(self.hook.read_artifact(created, "public/result.json")) == {"answer": 42}

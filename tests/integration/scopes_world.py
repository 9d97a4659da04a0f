"""Fixtures of operations with documented scopes."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import taskcluster

DATA = b"data" * 50_000


class World:
    """Hooks and data of one operation. ``admin`` has all scopes, ``hook`` those of the line."""

    def __init__(self, tc, admin, run, connect, folder):
        self.tc, self.admin, self.run, self.connect = tc, admin, run, connect
        self.name = f"tests/{secrets.token_hex(8)}"
        self.expires = datetime.now(UTC) + timedelta(days=1)
        self.path = str(folder / "file")
        self.upload_id = taskcluster.slugId()
        self.blanks = {
            "projectId": "tests",
            "name": self.name,
            "prefix": f"{self.name}/",
            "taskId": run.task_id,
            "runId": str(run.run_id),
            "workerPoolId": "tests/scopes",
            "cacheName": "checkouts",
            "address": "scopes@example.com",
            "roomId": "!scopes:example.com",
            "channelId": "C0SCOPES",
            "routingKey": "scopes",
            "clientId": f"{self.name}/handed-on",
        }
        self.hook = None

    def granted(self, scopes):
        return [re.sub(r"<(\w+)>", lambda blank: self.blanks[blank[1]], scope) for scope in scopes]

    def store(self, **options):
        self.admin.upload_object(DATA, self.name, expires=self.expires, **options)

    def publish(self, **options):
        self.run.add(self.name, DATA, **options)

    def execute(self, operator, **arguments):
        made = operator(task_id="t", taskcluster_conn_id=self.hook.taskcluster_conn_id, **arguments)
        try:
            context = {"ti": SimpleNamespace(try_number=1, max_tries=0)}
            return made.poke({}) if hasattr(made, "poke") else made.execute(context)
        finally:
            made.hook.close()

    def folder(self):
        """A folder with files."""
        folder = Path(self.path).with_name("folder")
        folder.mkdir()
        (folder / "one").write_bytes(DATA)
        (folder / "two").write_bytes(b"2")
        return str(folder)

    def index(self):
        """Index a completed task and return its path."""
        path = f"tests.scopes.{taskcluster.slugId()}"
        (task_id,) = self.tc.bulk.create(1, state="completed", routes=[f"index.{path}"])
        self.blanks |= {"indexPath": path, "taskId": task_id}
        return path

    async def told(self, trigger, **arguments):
        made = trigger(taskcluster_conn_id=self.hook.taskcluster_conn_id, **arguments)
        (event,) = [event async for event in made.run()]
        return event.payload

    def sees(self, sensor, **arguments):
        assert self.execute(sensor, **arguments).is_done

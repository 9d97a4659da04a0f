"""Kills the process that sends a certain request to an emulator, in a certain moment of it."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote

from airflow_provider_taskcluster.emulator.journal import _client_id
from airflow_provider_taskcluster.emulator.services.artifacts import object_name
from airflow_provider_taskcluster.emulator.store.blobs import Blobs

if TYPE_CHECKING:
    from pathlib import Path

BACKING, RESULT = "public/logs/live_backing.log", "public/result.json"
# Bytes of a request for the statuses of all tasks of a group, at least: a look asks for those that have not ended.
ALL_STATUSES = 100
# Ends of URL paths, and what we call the requests.
KINDS = {
    "/tasks/status": "look",
    "/status": "status",
    "/counts": "counts",
    "/cancel": "cancel",
    "/trigger": "trigger",
    "/last-fires": "fires",
    "/seal": "seal",
    "/list": "list",
    "/artifacts": "artifacts",
    "/artifact-content/public/logs/live.log": "live log",
    f"/artifact-content/{BACKING}": "backing log",
    f"/artifact-content/{RESULT}": "result",
}


@dataclass(frozen=True)
class Strike:
    """A moment of a request: ``before`` the service sees it, ``after`` its effect, or in the ``middle`` of the answer.

    :param nth: Of the requests of this kind; of those since the first one of the kind ``since``, if there is one.
    """

    request: str
    moment: str
    nth: int = 1
    since: str | None = None


@dataclass
class Victim:
    """An Airflow task that is killed by a strike, or by the test itself (None).

    :param gate: File that lets the Taskcluster task go on. It is made by a request of the last try.
    :param pid_file: File with the id of the process of the latest try.
    :param late: The try that is killed is to find a task that has ended, so its request makes the gate, too.
    :param opens_gate: The request that makes the gate; None if the test itself does.
    """

    strike: Strike | None
    gate: Path
    pid_file: Path
    late: bool
    opens_gate: str | None = "live log"
    task_ids: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    killed: threading.Event = field(default_factory=threading.Event)

    def pid(self):
        return int(self.pid_file.read_text())

    def kill(self, number=signal.SIGKILL):
        os.kill(self.pid(), number)
        self.killed.set()

    def note(self, request):
        """Note a request; tell whether it is the one to strike at."""
        self.requests.append(request)
        strike = self.strike
        if strike is None or self.killed.is_set():
            return False
        if strike.since in (None, *self.requests[:-1]) and request == strike.request:
            self.counts[request] += 1
        return request == strike.request and self.counts[request] == strike.nth

    def passed(self, request):
        """Make the gate once the last try follows its task."""
        if request == self.opens_gate and (self.late or self.killed.is_set()):
            self.gate.touch()


class Killing:
    """A fault of both servers: each request of a victim is passed on, but for the one at which it is killed."""

    def __init__(self, victims):
        """Prepare the kills.

        :param victims: By client id.
        """
        self.victims = victims
        self._by_path = {}  # of the store

    async def answer(self, exchange):
        path = unquote(exchange.scope["raw_path"].decode())
        victim, request = self._known(exchange.scope, path)
        if victim is None:
            await exchange.store_answers(exchange.send)
        elif victim.note(request):
            await getattr(self, f"_{victim.strike.moment}")(exchange, victim)
            await exchange.client_gone()
        else:
            await exchange.store_answers(exchange.send)
            victim.passed(request)

    def _known(self, scope, path):
        """The victim that sends a request, and the kind of the request."""
        if scope["method"] == "GET" and path in self._by_path:
            return self._by_path[path]
        victim = self.victims.get(_client_id(scope))
        if victim is None:
            return None, ""
        kind = next((kind for end, kind in KINDS.items() if path.endswith(end)), None)
        if kind is None:
            kind = "create" if scope["method"] == "PUT" else f"{scope['method']} {path}"
        elif kind == "look" and int(dict(scope["headers"])[b"content-length"]) >= ALL_STATUSES:
            kind = "statuses"
        if kind == "create":
            self._created(victim, path.rpartition("/")[2])
        return victim, kind

    def _created(self, victim, task_id):
        if task_id in victim.task_ids:
            return
        victim.task_ids.append(task_id)
        for run_id in (0, 1):
            for name, kind in ((BACKING, "bytes of the log"), (RESULT, "bytes of the result")):
                self._by_path[Blobs.path("objects", object_name(task_id, run_id, name))] = victim, kind

    @staticmethod
    async def _before(_exchange, victim):
        victim.kill()

    @staticmethod
    async def _after(exchange, victim):
        async def drop(_):
            pass

        await exchange.store_answers(drop)
        victim.kill()

    @staticmethod
    async def _middle(exchange, victim):
        async def send(message):
            if message["type"] == "http.response.body":
                body = message.get("body", b"")
                message = {**message, "body": body[: len(body) // 2], "more_body": True}
                await exchange.send(message)
                victim.kill()
            else:
                await exchange.send(message)

        await exchange.store_answers(send)

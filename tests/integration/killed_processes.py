"""Processes that get killed at one of their requests: a program that forks them, and the fault that kills them."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook


class Kill:
    """A fault: the process that sends the request is killed, before the service sees it or after its effect."""

    def __init__(self, moment):
        self.moment = moment
        self.pid = 0
        self.known = threading.Event()

    async def answer(self, exchange):
        async def drop(_):
            pass

        if self.moment == "after":
            await exchange.store_answers(drop)
        await asyncio.to_thread(self.known.wait, 30)
        os.kill(self.pid, signal.SIGKILL)
        await exchange.client_gone()


class Program:
    """A running program, which calls ``serve``."""

    def __init__(self, process, tc):
        self._process = process
        self._connection = {
            "conn_type": "taskcluster",
            "host": tc.root_url,
            "login": tc.client_id,
            "password": tc.access_token,
        }

    def run(self, kill=None, **arguments):
        """Do something in a process of its own; return how the process ended."""
        line = {"connection": self._connection, **arguments}
        self._process.stdin.write(f"{json.dumps(line)}\n")
        self._process.stdin.flush()
        pid = self._process.stdout.readline()
        if kill is not None:
            kill.pid = int(pid)
            kill.known.set()
        return int(self._process.stdout.readline())


@contextmanager
def running(name, tc):
    """Run a program of this folder until the end of the block."""
    folder = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *filter(None, sys.path)])}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": environment}
    with subprocess.Popen([sys.executable, str(folder / name)], **pipes) as process:
        yield Program(process, tc)
        process.stdin.close()


def serve(act):
    """Fork a child for each line of the input (JSON), and say its process id; then say how it has ended.

    :param act: Called in the child with what the line has; it reads the connection ``killed``.
    """
    os.environ["AIRFLOW_CONN_KILLED"] = '{"conn_type": "taskcluster"}'
    logging.disable()  # Airflow logs to stdout
    TaskclusterHook.get_connection("killed")  # Airflow imports much for the first one, which children then have
    logging.disable(logging.NOTSET)
    gc.freeze()
    for line in sys.stdin:
        child = os.fork()
        if not child:
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # Airflow logs to stdout
            try:
                arguments = json.loads(line)
                os.environ["AIRFLOW_CONN_KILLED"] = json.dumps(arguments.pop("connection"))
                act(**arguments)
                os._exit(0)
            finally:
                os._exit(1)
        _say(child)
        _say(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def _say(number):
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()

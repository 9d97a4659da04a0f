"""Uploads that kill their own process at a given moment; a program that `test_multipart_kills.py` starts.

It imports everything once. For each line of its input (JSON) it forks a child, which uploads as the line says, in a
home of its own; its answer, into the pipe that it was handed, is what became of the child, and the moments that the
child went through.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from datetime import datetime
from pathlib import Path

from taskcluster import aio

from airflow_provider_taskcluster.hooks.sync_services import EngineServices
from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
from airflow_provider_taskcluster.transfer.http import adapter
from airflow_provider_taskcluster.transfer.http.client import StoreClient
from airflow_provider_taskcluster.transfer.upload import resumable
from airflow_provider_taskcluster.transfer.upload.put_url import CheckedBody
from airflow_provider_taskcluster.transfer.upload.recorder import DirectoryRecorder

WARM = (aio, adapter, resumable)
PART = 64 * 1024
# What goes over the network or is written; each is a moment before and one after.
STEPS = [
    (EngineServices, "create_upload"),
    (CheckedBody, "read"),
    (StoreClient, "put"),
    (EngineServices, "finish_upload"),
    (DirectoryRecorder, "add"),
    (os, "link"),
    (DirectoryRecorder, "save"),
    (Path, "replace"),
    (DirectoryRecorder, "delete"),
]


class Moments:
    """Counts events, writes the count to a file, and kills the process at a given count."""

    def __init__(self, last, told):
        self._last = last
        self._told = told
        self._count = 0

    def watch(self, kind, verb):
        plain = getattr(kind, verb)

        def watched(*args, **options):
            self._come(f"before {verb}")
            result = plain(*args, **options)
            self._come(f"after {verb}")
            return result

        setattr(kind, verb, watched)

    def _come(self, moment):
        os.write(self._told, f"{moment}\n".encode())
        if self._count == self._last:
            os.kill(os.getpid(), signal.SIGKILL)
        self._count += 1


def move_to(home):
    """Replace the disk by an empty folder."""
    os.environ.update(HOME=home, TMPDIR=home)
    tempfile.tempdir = None
    os.chdir(home)


def upload(order, told):
    moments = Moments(order["last"], told)
    for kind, verb in STEPS:
        moments.watch(kind, verb)
    move_to(order["home"])
    TaskclusterHook(order["conn_id"]).upload_object(
        order["source"],
        order["name"],
        expires=datetime.fromisoformat(order["expires"]),
        multipart="always",
        part_size=PART,
        connections=1,
        recorder=order["recorder"],
    )


def in_a_child(order):
    """Upload in a child; return its exit status (negative: the signal) and the number of moments."""
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            upload(order, tell)
            status = 0
        finally:
            os._exit(status)
    os.close(tell)
    with os.fdopen(told) as moments:
        came = moments.read().splitlines()
    return {"status": os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), "moments": came}


if __name__ == "__main__":
    # a pipe of their own: Airflow's log goes to either of the usual ones
    answers = os.fdopen(int(sys.argv[2]), "w", buffering=1)
    TaskclusterHook(sys.argv[1]).settings  # noqa: B018 (imports what reads connections)
    for line in sys.stdin:
        print(json.dumps(in_a_child(json.loads(line))), file=answers)

"""Uploads that kill their own process at a given moment; `test_multipart_kills.py` starts them."""

from __future__ import annotations

import os
import signal
import tempfile
from datetime import datetime
from pathlib import Path

from airflow_provider_taskcluster.hooks.sync_services import EngineServices
from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
from airflow_provider_taskcluster.transfer.http.client import StoreClient
from airflow_provider_taskcluster.transfer.upload.put_url import CheckedBody
from airflow_provider_taskcluster.transfer.upload.recorder import DirectoryRecorder

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
    """Writes each event to a file, and kills the process at a given count."""

    def __init__(self, last, file):
        self._last = last
        self._told = os.open(file, os.O_WRONLY | os.O_CREAT)
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


def upload(order):
    moments = Moments(order["last"], order["moments"])
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

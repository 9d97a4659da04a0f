"""Repeated tries of a multi-part upload, each by a new hook, as on another worker."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

from airflow_provider_taskcluster.transfer.config import TransferConfig
from airflow_provider_taskcluster.transfer.source.factory import source_for
from airflow_provider_taskcluster.transfer.threads.buffers import Failure
from airflow_provider_taskcluster.transfer.upload.multipart import InitializedParts, MultipartUploader
from airflow_provider_taskcluster.transfer.upload.object import Target, Uploader
from airflow_provider_taskcluster.transfer.upload.recorder import StateStoreRecorder
from airflow_provider_taskcluster.transfer.upload.resumable import partitions

PART = 64 * 1024
DATA = os.urandom(4 * PART + 40_000)
ALL = [0, 1, 2, 3, 4]
IN_PARTS = {"multipart": "always", "part_size": PART}
PART_OF = re.compile(r"\.part-([0-9a-f]+)-([0-9]+)$")


class Kept:
    """Stands in for Airflow's task state store, which keeps JSON."""

    def __init__(self):
        self.texts = {}

    def get(self, key):
        return json.loads(self.texts[key]) if key in self.texts else None

    def set(self, key, value):
        self.texts[key] = json.dumps(value)

    def delete(self, key):
        self.texts.pop(key, None)


@dataclass
class Tries:
    """Tries of one upload.

    :param temporary: Each try has temporary credentials, of its own: there is no stable key.
    :param folder: Where a recorder keeps its records, if there is one.
    :param kept: The state store that does, if there is one.
    """

    connect: Any
    name: str
    expires: datetime
    temporary: bool = False
    folder: Any = None
    kept: Kept | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def hook(self):
        if not self.temporary:
            return self.connect()
        soon = datetime.now(UTC) + timedelta(hours=1)
        issued = self.connect("tc_issuer").temporary_credentials(["object:*"], soon)
        return self.connect(
            "tc_temporary",
            login=issued.client_id,
            password=issued.access_token,
            extra={"certificate": issued.certificate},
        )

    @property
    def recorder(self):
        return StateStoreRecorder(self.kept) if self.kept else self.folder

    @property
    def records(self):
        """Return the texts of all records."""
        if self.kept:
            return list(self.kept.texts.values())
        return [file.read_text() for file in self.folder.iterdir()] if self.folder and self.folder.exists() else []

    def leave(self, source, parts, expires=None) -> InitializedParts:
        """Begin an upload, and send only these parts."""
        hook = self.hook()
        identity = hook._identity(self.name, None, expires or self.expires, None, self.recorder)
        uploader = MultipartUploader(Uploader(hook._engine_services, hook._store, TransferConfig()))
        target = Target(identity, "application/octet-stream")
        initialized = uploader.initialize_parts(source_for(source), target, PART)
        for one in partitions(initialized, Failure()):
            if one.number in parts:
                uploader.upload_part(initialized, one)
        return initialized

    def upload(self, source, **options):
        """Try to complete the upload."""
        options = {"expires": self.expires, "part_size": PART, "connections": 1, **self.options, **options}
        return self.hook().upload_object(source, self.name, multipart="always", recorder=self.recorder, **options)

    def content(self):
        return self.connect().read_object(self.name)


def finished(tc):
    """Return the names of the objects that were finished."""
    calls = tc.journal.entries(origin="api", method="POST", path="/finish-upload/")
    return {unquote(entry.path.partition("/finish-upload/")[2]) for entry in calls if entry.status == 200}


def put(tc):
    """Return the names of the objects whose bytes were PUT, in order. The store's paths are digests of them."""
    calls = tc.journal.entries(origin="api", method="PUT", path="/upload/")
    created = {unquote(entry.path.partition("/upload/")[2]) for entry in calls}
    names = {tc.store.blobs.path("objects", name): name for name in created}
    return [names[entry.path] for entry in tc.journal.entries(origin="store", method="PUT")]


def sent(tc):
    """Return the numbers of the parts that were PUT, in order."""
    return [int(PART_OF.search(name)[2]) for name in put(tc)]


def generations(tc):
    """Return the generations of the parts that were PUT."""
    return {PART_OF.search(name)[1] for name in put(tc)}


def put_url(size):
    return {"putUrl": {"contentType": "application/octet-stream", "contentLength": size}}


def temporary(connect, number):
    """A hook whose upload ids are random."""
    issued = connect("tc_issuer").temporary_credentials(["object:*"], datetime.now(UTC) + timedelta(hours=1))
    fields = {"login": issued.client_id, "password": issued.access_token, "extra": {"certificate": issued.certificate}}
    return connect(f"tc_temporary_{number}", **fields)

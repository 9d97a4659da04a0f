"""Helpers for downloads of multi-part objects: create them, and read the store's requests."""

from __future__ import annotations

import hashlib
import json
import re

from airflow_provider_taskcluster.transfer.parts_manifest import CONTENT_TYPE, Part, part_name
from airflow_provider_taskcluster.transfer.sink.base import MemorySink

PART = 300_000
GENERATION = "0f" * 8


def digest(data, algorithm="sha256"):
    return hashlib.new(algorithm, data).hexdigest()


def own_part(name, number=0):
    """Return a valid name of a part of an object."""
    return part_name(name, GENERATION, number)


def part_of(name, data, offset=0):
    """Return the entry of a part in a manifest."""
    return Part(name, offset, len(data), digest(data), digest(data, "sha512"))


def upload_in_parts(hook, data, name, expires, **options):
    """Upload an object in parts of 300,000 bytes; return their names."""
    hook.upload_object(data, name, expires=expires, multipart="always", part_size=PART, **options)
    sink = MemorySink()
    hook.download_object(name, sink, multipart_aware=False)
    return [part["name"] for part in json.loads(sink.content())["parts"]]


def upload_manifest(hook, manifest, name, expires):
    """Upload an ordinary object with the content type of a manifest."""
    data = manifest if isinstance(manifest, bytes) else manifest.to_json()
    return hook.upload_object(data, name, expires=expires, content_type=CONTENT_TYPE)


def place(name):
    """Return the end of an object's path in the store."""
    return hashlib.sha256(name.encode()).hexdigest()


def gets(tc, name=None):
    """Return the store's GET requests, for one object or for all."""
    return tc.journal.entries(origin="store", method="GET", path=place(name) if name else "")


def fetched(tc, parts):
    """Return for each part whether it was requested from the store."""
    return [bool(gets(tc, part)) for part in parts]


def starts(tc, name):
    """Return the first offset of each request for an object; None for one without a Range."""
    found = [re.match(r"bytes=(\d+)-", entry.headers.get("range", "")) for entry in gets(tc, name)]
    return [match and int(match[1]) for match in found]


def left(folder):
    """Return the files that a download has left in its folder, by suffix."""
    return {path.suffix: path for path in folder.iterdir()}

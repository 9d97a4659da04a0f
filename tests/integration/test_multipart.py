"""Multi-part uploads over real sockets, downloaded again."""

from __future__ import annotations

import hashlib
import io
import json
import os

import pytest

from airflow_provider_taskcluster.transfer.sink.base import MemorySink

MIB = 1 << 20
DATA = os.urandom(5 * MIB + 4321)
SHA256 = hashlib.sha256(DATA).hexdigest()
ALWAYS = {"multipart": "always", "part_size": MIB}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "source"
    path.write_bytes(DATA)
    return path


def puts(tc):
    return [entry for entry in tc.journal.entries(origin="store", method="PUT") if entry.status == 200]


@pytest.mark.parametrize("connections", [1, 4])
@pytest.mark.parametrize("kind", ["path", "bytes", "file", "factory", "stream"])
def test_what_went_up_in_parts_comes_down_whole(hook, tc, name, expires, file, tmp_path, kind, connections):
    with file.open("rb") as opened:
        sources = {
            "path": file,
            "bytes": DATA,
            "file": opened,
            "factory": lambda: io.BytesIO(DATA),
            "stream": Pipe(DATA),
        }
        up = hook.upload_object(sources[kind], name, expires=expires, connections=connections, **ALWAYS)
    assert len(puts(tc)) == 5  # the last part and the manifest are small: inline
    assert (up.size, up.digests, up.method, up.already_present) == (len(DATA), {"sha256": SHA256}, "multipart", False)
    down = hook.download_object(name, tmp_path / "down", connections=connections)
    assert (tmp_path / "down").read_bytes() == DATA
    assert (down.size, down.digests, down.verified, down.method) == (
        len(DATA),
        {"sha256": SHA256},
        "sha256",
        "multipart",
    )
    assert down.content_type == up.content_type


class Pipe(io.RawIOBase):
    """A stream that cannot seek."""

    def __init__(self, data):
        self._data = io.BytesIO(data)

    def readable(self):
        return True

    def read(self, size=-1):
        return self._data.read(size)


@pytest.mark.parametrize("destination", ["memory", "file", "writer"])
def test_destinations_that_take_bytes_in_order(hook, name, expires, file, tmp_path, destination):
    hook.upload_object(file, name, expires=expires, **ALWAYS)
    memory = MemorySink()
    with (tmp_path / "down").open("wb") as opened:
        sinks = {"memory": memory, "file": opened, "writer": lambda: (tmp_path / "down").open("wb")}
        hook.download_object(name, sinks[destination])
    assert (memory.content() or (tmp_path / "down").read_bytes()) == DATA


def test_an_empty_object_has_no_parts(hook, name, expires):
    hook.upload_object(b"", name, expires=expires, **ALWAYS)
    assert hook.read_object(name) == b""


def test_the_manifest_can_be_had(hook, name, expires, file):
    hook.upload_object(file, name, expires=expires, content_type="text/plain", **ALWAYS)
    sink = MemorySink()
    hook.download_object(name, sink, multipart_aware=False)
    manifest = json.loads(sink.content())
    assert (manifest["version"], manifest["size"], manifest["sha256"]) == (1, len(DATA), SHA256)
    assert manifest["contentType"] == "text/plain"
    assert [part["name"].startswith(f"{name}.part-") for part in manifest["parts"]] == [True] * 6
    for part in manifest["parts"]:
        assert hook.read_object(part["name"]) == DATA[part["offset"] : part["offset"] + part["size"]]


def test_a_repeated_upload_sends_nothing(hook, tc, name, expires, file):
    hook.upload_object(file, name, expires=expires, **ALWAYS)
    tc.journal.clear()
    again = hook.upload_object(file, name, expires=expires, **ALWAYS)
    assert again.already_present
    assert puts(tc) == []

"""Restarted bodies that are shorter: no earlier bytes remain, or the consumer gets an error."""

from __future__ import annotations

import os
import threading

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from raw_answers import raw_answers
from served_versions import OLD, SHORT, as_payload, download, headers, in_order, in_pieces, serving

from airflow_provider_taskcluster.exceptions import DestinationError, NotAsAnnounced, TaskclusterError
from airflow_provider_taskcluster.transfer.sink.storage import StorageSink
from airflow_provider_taskcluster.transfer.storage_paths import StorageFile


def factory(hook, artifact, tmp_path):
    download(hook, artifact, lambda: (tmp_path / "a").open("wb"))
    return (tmp_path / "a").read_bytes()


def larger_file(hook, artifact, tmp_path):
    (tmp_path / "a").write_bytes(OLD + OLD)
    with (tmp_path / "a").open("r+b") as file:
        download(hook, artifact, file)
    return (tmp_path / "a").read_bytes()


def storage(hook, artifact, _tmp_path):
    fs = MemoryFileSystem(skip_instance_cache=True)
    download(hook, artifact, StorageSink(StorageFile(fs, "/restarted", "memory://restarted")))
    return fs.cat_file("/restarted")


@pytest.mark.parametrize(
    "way", [in_pieces, in_order, as_payload, factory, larger_file, storage], ids=lambda way: way.__name__
)
def test_a_restart_that_is_shorter_leaves_nothing_of_what_was_longer(hook, referring, tmp_path, way):
    first = serving(OLD, *headers(), cut=1_000_000)
    later = serving(SHORT, *headers({"ETag": '"short"'}))
    with raw_answers(first, later) as served:
        assert way(hook, referring(served), tmp_path) == SHORT


def test_what_a_file_of_an_earlier_try_still_buffers_is_not_written_into_the_next(hook, referring, tmp_path):
    """A factory may hold on to the files that it has opened."""
    opened = []

    def factory():
        opened.append((tmp_path / "a").open("wb", buffering=1 << 20))
        return opened[-1]

    first = serving(OLD, *headers(), cut=900_000)
    later = serving(SHORT, *headers({"ETag": '"short"'}))
    with raw_answers(first, later) as served:
        download(hook, referring(served), factory)
    assert [file.closed for file in opened] == [True, True]
    assert (tmp_path / "a").read_bytes() == SHORT


@pytest.mark.parametrize("length", [0, 1, 500_000, 900_000])
def test_a_stream_that_begins_anew_and_ends_before_what_was_given_out_is_an_error(hook, referring, length):
    first = serving(OLD, *headers(), cut=1_000_000)
    later = serving(OLD[:length], *headers({"ETag": '"short"'}))
    given = []
    with raw_answers(first, later) as served:
        artifact = referring(served)
        payload = hook.open_payload(artifact["task_id"], artifact["run_id"], allow_reference=True)
        with pytest.raises(NotAsAnnounced, match="has changed in the store"):
            given.extend(chunk for _, chunk in payload.chunks(chunk_size=1000))
    assert OLD.startswith(b"".join(given))


def test_a_pipe_cannot_begin_anew(hook, referring):
    first = serving(OLD, *headers(), cut=50_000)
    later = serving(SHORT, *headers({"ETag": '"short"'}))
    reading, writing = os.pipe()
    received = []
    with os.fdopen(reading, "rb") as out, os.fdopen(writing, "wb") as into:
        reader = threading.Thread(target=lambda: received.append(out.read()))
        reader.start()
        with raw_answers(first, later) as served, pytest.raises(DestinationError, match="cannot begin again"):
            download(hook, referring(served), into)
        into.close()
        reader.join()
    assert OLD.startswith(received[0])


def test_a_file_that_is_read_through_fsspec_does_not_end_early(connect, filesystem, referring):
    connect(extra={"max_retries": 1})
    fs = filesystem(allow_reference=True)
    first = serving(OLD, *headers())
    later = serving(SHORT, *headers({"ETag": '"short"'}))
    with raw_answers(first, first, later) as served:
        artifact = referring(served)
        path = f"artifacts/{artifact['task_id']}/{artifact['run_id']}/{artifact['name']}"
        with fs.open(path, block_size=1 << 20) as file:
            given = [file.read(1 << 20)]
            with pytest.raises(TaskclusterError):
                given.extend(iter(lambda: file.read(1 << 20), b""))
    assert OLD.startswith(b"".join(given))

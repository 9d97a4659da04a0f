"""Order of syncs, by the system calls."""

from __future__ import annotations

import errno
import os
import tarfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from airflow_provider_taskcluster.exceptions import DestinationError
from airflow_provider_taskcluster.transfer.archive import extract as extraction
from airflow_provider_taskcluster.transfer.archive.extract import extract
from airflow_provider_taskcluster.transfer.http.ranges import Facts
from airflow_provider_taskcluster.transfer.payload.local import LocalDestination
from airflow_provider_taskcluster.transfer.sink import durable, file_writer
from airflow_provider_taskcluster.transfer.sink.checkpoint import MAX_TIME_SHARE, Checkpoint, Pace
from airflow_provider_taskcluster.transfer.sink.durable import make_folders, sync_file_system, sync_folder
from airflow_provider_taskcluster.transfer.sink.factory import sink_for
from airflow_provider_taskcluster.transfer.sink.file_writer import UNCACHED, WRITEBACK_SIZE, FileWriter
from airflow_provider_taskcluster.transfer.sink.partial_file import PathSink
from airflow_provider_taskcluster.transfer.upload.identity import Identity
from airflow_provider_taskcluster.transfer.upload.recorder import recorder_for

MIB = 1 << 20
FACTS = Facts(100, '"etag"', None, "text/plain")
DATA = "fdatasync" if hasattr(os, "fdatasync") else "fsync"


@pytest.fixture
def calls(monkeypatch):
    """The system calls that count, with the names of the files that they are about."""
    seen = []

    def watch(name, what):
        plain = getattr(os, name)

        def watched(*args, **options):
            seen.append((name, *(what(arg) for arg in args)))
            return plain(*args, **options)

        monkeypatch.setattr(os, name, watched)

    for name in {DATA, "fsync"}:
        watch(name, lambda file: Path(f"/proc/self/fd/{file}").readlink().name)
    for name in ("replace", "unlink", "link"):
        watch(name, lambda path: Path(path).name)
    return seen


def put(sink, record=None):
    sink.begin(7)
    sink.write(b"content")
    if record:
        sink.note(record)
    sink.commit()


def test_the_name_comes_after_the_bytes_and_before_the_sync_of_its_folder(tmp_path, calls):
    sink = PathSink(tmp_path / "file")
    put(sink)
    part = sink._partial
    assert calls[:3] == [(DATA, part), ("replace", part, "file"), ("fsync", tmp_path.name)]


def test_files_are_durable_unless_somebody_says_otherwise(tmp_path, calls):
    put(sink_for(tmp_path / "a"))
    assert (DATA, PathSink(tmp_path / "a")._partial) in calls
    calls.clear()
    put(sink_for(tmp_path / "b", durable=False), Checkpoint("key", FACTS, 7))
    assert {name for name, *_ in calls} == {"replace", "unlink"}


@pytest.mark.parametrize("hashed", [True, False])
@pytest.mark.parametrize("durable", [True, False])
def test_a_record_that_nothing_checks_later_comes_after_the_bytes_that_it_promises(tmp_path, calls, hashed, durable):
    sink = PathSink(tmp_path / "file", durable=durable)
    sink.begin(7)
    sink.write(b"content")
    calls.clear()
    sink.note(Checkpoint("key", FACTS, 7, hashed=hashed))
    sink.discard()
    renamed = next(number for number, (name, *_) in enumerate(calls) if name == "replace")
    synced = [file for name, file, *_ in calls[:renamed] if name == DATA]
    assert synced == ([sink._partial, calls[renamed][1]] if durable and not hashed else [])


@pytest.mark.parametrize("hashed", [True, False])
@pytest.mark.parametrize("durable", [True, False])
def test_a_record_of_bytes_that_nobody_synced_and_nothing_checks_ends_with_the_boot(
    tmp_path, monkeypatch, hashed, durable
):
    def resumed():
        again = PathSink(tmp_path / "file", durable=durable)
        found = again.resume("key")
        again.keep()
        return found is not None

    sink = PathSink(tmp_path / "file", durable=durable)
    sink.begin(7)
    sink.write(b"content")
    sink.note(Checkpoint("key", FACTS, 7, hashed=hashed))
    sink.keep()
    assert resumed()
    monkeypatch.setattr("airflow_provider_taskcluster.transfer.sink.partial_file.boot_id", lambda: "another boot")
    assert resumed() is (durable or hashed)


def test_the_boot_is_told_by_the_system_or_else_it_is_that_of_this_process(monkeypatch):
    durable.boot_id.cache_clear()
    assert durable.boot_id() == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    durable.boot_id.cache_clear()

    def refuse(_):
        raise FileNotFoundError

    monkeypatch.setattr(durable.Path, "read_text", refuse)
    found = durable.boot_id()
    assert len(found) == 32
    assert durable.boot_id() == found
    durable.boot_id.cache_clear()


def test_what_had_not_reached_the_disk_is_not_gone_on_with(tmp_path):
    """Of a file that was to be written in any order it is a hole."""
    sink = PathSink(tmp_path / "file")
    sink.begin(4 * MIB)
    sink.reserve(4 * MIB)
    sink.write_at(0, memoryview(bytes(MIB)))
    sink.write_at(2 * MIB, memoryview(bytes(MIB)))
    sink.note(Checkpoint("key", replace(FACTS, total=4 * MIB), 3 * MIB))
    sink.keep()
    again = PathSink(tmp_path / "file")
    assert again.resume("key").offset == MIB
    again.write(b"next")
    assert again._file.tell() == MIB + 4
    again.discard()


def test_a_file_that_is_nothing_but_a_hole_is_not_gone_on_with(tmp_path):
    sink = PathSink(tmp_path / "file")
    sink.begin(4 * MIB)
    sink.reserve(4 * MIB)
    sink.note(Checkpoint("key", replace(FACTS, total=4 * MIB), MIB))
    sink.keep()
    again = PathSink(tmp_path / "file")
    assert again.resume("key") is None
    again.discard()


def test_where_holes_cannot_be_seen_the_record_counts(tmp_path, monkeypatch):
    sink = PathSink(tmp_path / "file")
    sink.begin(7)
    sink.write(b"content")
    sink.note(Checkpoint("key", FACTS, 7))
    sink.keep()

    def refuse(*_):
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(os, "lseek", refuse)
    again = PathSink(tmp_path / "file")
    assert again.resume("key").offset == 7
    again.discard()


def test_a_record_is_gone_before_the_bytes_that_it_promised(tmp_path, calls):
    first = PathSink(tmp_path / "file")
    first.begin(7)
    first.write(b"content")
    first.note(Checkpoint("key", FACTS, 7))
    first.keep()
    calls.clear()
    second = PathSink(tmp_path / "file")
    assert second.resume("another key") is None
    second.begin(5)
    assert calls == [("unlink", second._checkpoint_name), ("fsync", tmp_path.name)]
    second.discard()


def test_folders_that_are_made_on_the_way_are_synced_too(tmp_path, calls):
    sink = PathSink(tmp_path / "new" / "folder" / "file")
    put(sink)
    assert {("fsync", tmp_path.name), ("fsync", "new")} <= set(calls[: calls.index((DATA, sink._partial))])
    calls.clear()
    make_folders(tmp_path / "new" / "folder")
    make_folders(tmp_path / "other" / "folder", durable=False)
    assert calls == []


def test_a_payload_is_synced_with_its_manifest_and_its_journal(tmp_path, calls):
    destination = LocalDestination(tmp_path / "folder")
    sink = destination.sink("new/file")
    put(sink)
    assert ("fsync", "folder") in calls  # which has the new folder
    assert calls.index((DATA, sink._partial)) < calls.index(("replace", sink._partial, "file"))
    destination.append("journal", b"line")
    destination.flush()
    assert calls[-1] == (DATA, "journal")
    calls.clear()
    destination.write("manifest", b"{}")
    new = calls[0][1]
    assert calls == [(DATA, new), ("replace", new, "manifest"), ("fsync", "folder")]
    destination.close()


def test_a_file_that_is_there_is_on_disk_when_it_is_taken_for_good(tmp_path, calls):
    """It may be of a run that was not durable, or that was killed."""
    destination = LocalDestination(tmp_path / "folder")
    (tmp_path / "folder" / "file").write_bytes(b"content")
    calls.clear()
    destination.existing("file").digests(["sha256"])
    assert calls == [(DATA, "file"), ("fsync", "folder")]
    destination.close()


def test_a_payload_that_is_not_durable_waits_for_no_disk(tmp_path, calls):
    destination = LocalDestination(tmp_path / "folder", durable=False)
    put(destination.sink("new/file"))
    destination.existing("new/file").digests(["sha256"])
    destination.append("journal", b"line")
    destination.flush()
    destination.write("manifest", b"{}")
    destination.close()
    assert not {DATA, "fsync"} & {name for name, *_ in calls}


def test_what_is_appended_is_synced_now_and_then(tmp_path, calls, monkeypatch):
    destination = LocalDestination(tmp_path / "folder")
    calls.clear()
    monkeypatch.setattr("airflow_provider_taskcluster.transfer.payload.local.SYNC_SECONDS", 3600)
    destination.append("journal", b"line")
    assert calls == []
    monkeypatch.setattr("airflow_provider_taskcluster.transfer.payload.local.SYNC_SECONDS", -1)
    destination.append("journal", b"line")
    assert calls == [(DATA, "journal")]
    destination.close()


@pytest.mark.parametrize("durable", [True, False])
def test_an_archive_is_synced_before_its_files_get_their_names_and_after(tmp_path, calls, monkeypatch, durable):
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"content")
    with tarfile.open(tmp_path / "archive.tar", "w") as archive:
        archive.add(tmp_path / "a", "a")
        archive.add(tmp_path / "b", "folder/b")

    def sync(file):
        calls.append(("syncfs", Path(f"/proc/self/fd/{file}").readlink().name))
        sync_file_system(file)

    monkeypatch.setattr(extraction, "sync_file_system", sync)
    calls.clear()
    extract(tmp_path / "archive.tar", tmp_path / "folder", durable=durable)
    names = [name for name, *_ in calls if name not in {"unlink", "fsync"}]
    assert names == (["syncfs", "replace", "replace", "syncfs"] if durable else ["replace", "replace"])
    assert (("fsync", tmp_path.name) in calls) is durable  # which has the new folder
    assert (tmp_path / "folder" / "folder" / "b").read_bytes() == b"content"


def test_the_record_of_an_upload_is_on_disk_before_its_identity_is_told(tmp_path, calls):
    expires = datetime.now(UTC) + timedelta(days=1)
    identity = Identity("https://tc", "p", "name", expires, recorder=recorder_for(tmp_path / "records"))
    identity.begin(7, "a" * 64, part_size=5)
    given = [number for number, (name, *_) in enumerate(calls) if name in {"link", "replace"}]
    assert len(given) == 2  # the key and the part size
    for number in given:
        assert calls[number - 1] == (DATA, calls[number][1])
        assert calls[number + 1] == ("fsync", "records")
    assert calls[0] == ("fsync", tmp_path.name)  # the folder of the records is new


def test_a_disk_that_fails_in_the_end_is_an_error_and_nothing_gets_a_name(tmp_path, monkeypatch):
    def fail(_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    sink = PathSink(tmp_path / "file")
    sink.begin(7)
    sink.write(b"content")
    monkeypatch.setattr(os, DATA, fail)
    with pytest.raises(DestinationError, match="Input/output error"):
        sink.commit()
    sink.discard()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("number", "passes"), [(errno.EINVAL, True), (errno.EIO, False)])
def test_a_file_system_that_cannot_sync_folders_is_taken_as_it_is(monkeypatch, number, passes):
    def fail(_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    if passes:
        sync_folder(0)
    else:
        with pytest.raises(OSError, match="Input/output error"):
            sync_folder(0)


def test_a_file_system_that_cannot_be_synced_is_an_error():
    with pytest.raises(OSError, match="Bad file descriptor"):
        sync_file_system(-1)


def test_where_the_c_library_lacks_functions_the_standard_library_stands_in(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(durable, "_function", lambda *_: None)
    monkeypatch.setattr(os, "sync", lambda: synced.append(1))
    sync_file_system(0)
    assert synced == [1]
    with (tmp_path / "file").open("w+b", buffering=0) as file:
        FileWriter(file.fileno(), early=True).write_at(0, bytes(WRITEBACK_SIZE))


@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize("cached", [True, False])
def test_writing_out_begins_early(tmp_path, monkeypatch, early, cached):
    begun = []
    monkeypatch.setattr(file_writer, "start_writeback", begun.append)
    with (tmp_path / "file").open("w+b", buffering=0) as file:
        writer = FileWriter(file.fileno(), early=early)
        writer._sampling = False
        writer._flags = 0 if cached else UNCACHED
        for number in range(3):
            writer.write_at(number * WRITEBACK_SIZE, bytes(WRITEBACK_SIZE))
        past_the_cache = bool(writer._flags)  # not all file systems can
    assert len(begun) == (3 if early and not past_the_cache else 0)


def test_records_take_a_small_part_of_the_time(monkeypatch):
    now = [0.0]
    clock = SimpleNamespace(monotonic=lambda: now[0])  # loops of other threads keep theirs
    monkeypatch.setattr("airflow_provider_taskcluster.transfer.sink.checkpoint.time", clock)
    pace = Pace()
    assert pace.allows()
    with pace.recording():
        now[0] += 1
    assert not pace.allows()
    now[0] += 0.99 / MAX_TIME_SHARE
    assert not pace.allows()
    now[0] += 0.02 / MAX_TIME_SHARE
    assert pace.allows()
    assert pace.seconds() == pytest.approx(1.01 / MAX_TIME_SHARE)

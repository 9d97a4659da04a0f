"""Failed writes to the filesystem: nothing is uploaded, even if the program goes on, and close raises the reason."""

from __future__ import annotations

import contextlib
import gc
import io
import itertools
import os
import pickle
import resource
import subprocess
import sys
import tempfile

import fsspec
import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_taskcluster.emulator.store.faults import Corrupt
from airflow_provider_taskcluster.exceptions import Conflict, DestinationError, HashMismatch
from airflow_provider_taskcluster.fs.errors import WriteFailed

DATA = os.urandom(1_000_000)
ROOM = 300_000


@contextlib.contextmanager
def no_file_above(size):
    """Limit the size of files, so that writes fail as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def path(name):
    return f"objects/{name}"


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def fail_to_write(write, data, size=ROOM):
    """A program that goes on after a write which failed."""
    with no_file_above(size), contextlib.suppress(OSError):
        write(data)


def test_after_a_failed_write_close_raises_and_nothing_is_uploaded(fs, path):
    file = fs.open(path, "wb")
    file.write(b"first")
    with no_file_above(ROOM), pytest.raises(OSError, match="File too large") as caught:
        file.write(DATA)
    assert isinstance(caught.value, DestinationError)
    assert caught.value.errno
    file.write(b"last")  # there is room again
    with pytest.raises(WriteFailed, match=r"is not uploaded, because of WriteFailed while it was written: .*large"):
        file.close()
    file.close()
    assert not fs.exists(path)


def test_small_writes_that_fail_when_they_are_flushed_count_as_well(fs, path):
    file = fs.open(path, "wb")
    file.write(b"small")
    with no_file_above(0), pytest.raises(WriteFailed):
        file.flush()
    file.flush()
    with pytest.raises(WriteFailed):
        file.close()
    file = fs.open(path, "wb")
    file.write(b"small")
    with no_file_above(0), pytest.raises(WriteFailed, match="File too large"):
        file.close()
    assert not fs.exists(path)


def test_a_block_that_ends_well_after_a_failed_write_raises(fs, path):
    with pytest.raises(WriteFailed), fs.open(path, "wb") as file:
        fail_to_write(file.write, DATA)
    assert not fs.exists(path)


def test_the_error_of_a_write_rises_as_it_is_from_its_block(fs, path):
    written = pytest.raises(WriteFailed, match="Cannot write a temporary file")
    with written, fs.open(path, "wb") as file, no_file_above(ROOM):
        file.write(DATA)
    assert not fs.exists(path)


@pytest.mark.parametrize(
    "wrong", ["text", 5, None, memoryview(b"abcd")[::2]], ids=["text", "number", "none", "not contiguous"]
)
def test_a_write_of_what_is_no_bytes_counts_as_failed(fs, path, wrong):
    file = fs.open(path, "wb")
    with contextlib.suppress(TypeError, BufferError):
        file.write(wrong)
    with pytest.raises(WriteFailed, match="Error while it was written") as caught:
        file.close()
    assert not caught.value.transient
    assert not fs.exists(path)


@pytest.mark.parametrize("compression", [None, "gzip"])
@pytest.mark.parametrize("mode", ["w", "wb"])
def test_lines_that_end_early_count_as_failed(fs, path, mode, compression):
    def lines():
        yield "first" if mode == "w" else b"first"
        raise ZeroDivisionError

    file = fs.open(path, mode, compression=compression)
    with contextlib.suppress(ZeroDivisionError):
        file.writelines(lines())
    with pytest.raises(WriteFailed, match="ZeroDivisionError"):
        file.close()
    assert not fs.exists(path)


@pytest.fixture
def storage_path(conn_id, path):
    return ObjectStoragePath(f"taskcluster://{conn_id}@{path}")


@pytest.fixture
def open_file(fs, path, storage_path):
    """Opens a file in each of the possible ways; returns it, and a function that closes it."""

    def open_file(way, mode, compression):
        if way == "fsspec":
            file = fsspec.core.OpenFile(fs, path, mode, compression=compression)
            return file.open(), file.close
        file = (
            storage_path.open(mode, compression=compression)
            if way == "path"
            else fs.open(path, mode, compression=compression)
        )
        return file, file.close

    return open_file


in_all_ways = pytest.mark.parametrize(
    ("way", "mode", "compression"),
    [*itertools.product(["filesystem", "fsspec", "path"], ["w", "wb"], [None, "gzip", "bz2"])],
)


@in_all_ways
def test_text_and_compression_over_a_failed_write_upload_nothing(fs, path, open_file, way, mode, compression):
    file, close = open_file(way, mode, compression)
    data = DATA.hex() if mode == "w" else DATA
    fail_to_write(file.write, data, 0)
    file.write(data)
    with pytest.raises(WriteFailed):
        close()
    assert not fs.exists(path)


def test_text_that_cannot_be_encoded_counts_as_failed(fs, path):
    for compression in (None, "gzip"):
        file = fs.open(path, "w", encoding="ascii", compression=compression)
        file.write("first\n")
        with contextlib.suppress(UnicodeEncodeError):
            file.write("grün\n")
        file.write("last\n")
        with pytest.raises(WriteFailed, match="UnicodeEncodeError"):
            file.close()
    assert not fs.exists(path)


@in_all_ways
def test_what_is_never_closed_is_not_uploaded_by_its_wrappers(fs, path, open_file, way, mode, compression, caplog):
    def write():
        file, _ = open_file(way, mode, compression)
        file.write("half of it" if mode == "w" else b"half of it")

    write()
    gc.collect()
    assert "never closed" in caplog.text
    assert not fs.exists(path)


def test_a_buffer_around_a_file_that_is_never_closed_uploads_nothing(fs, path):
    def write():
        io.TextIOWrapper(io.BufferedWriter(fs.open(path, "wb"), 100)).write("half of it" * 100)

    write()
    gc.collect()
    assert not fs.exists(path)


def test_write_text_of_what_cannot_be_encoded_uploads_nothing(fs, path, storage_path):
    with pytest.raises(UnicodeEncodeError):
        storage_path.write_text("grün", encoding="ascii")
    with no_file_above(0), pytest.raises(WriteFailed):
        storage_path.write_text("all of it")
    with no_file_above(0), pytest.raises(WriteFailed):
        storage_path.write_bytes(DATA)
    assert not fs.exists(path)


def test_a_copy_without_room_uploads_nothing(fs, path, conn_id, storage_path, run, temporary):
    run.add("public/a", DATA)
    run.add("public/b", DATA, storage_type="s3", gzipped=True)
    source = f"artifacts/{run.task_id}/latest/public"
    for copied in ("a", "b"):
        with no_file_above(ROOM), pytest.raises(DestinationError, match=f"{temporary}.*TMPDIR.*File too large"):
            fs.copy(f"{source}/{copied}", path)
        with no_file_above(ROOM), pytest.raises(DestinationError):
            ObjectStoragePath(f"taskcluster://{conn_id}@{source}/{copied}").copy(storage_path)
    assert not fs.exists(path)
    assert not list(temporary.iterdir())


def test_a_copy_of_what_is_not_right_uploads_nothing(fs, path, run, tc):
    run.add("public/a", DATA)
    tc.faults.add(Corrupt(1_000), method="GET", times=100)
    with pytest.raises(HashMismatch):
        fs.copy(f"artifacts/{run.task_id}/latest/public/a", path)
    tc.faults.clear()
    assert not fs.exists(path)


def test_without_a_folder_for_temporary_files_open_says_so(fs, path, temporary):
    temporary.rmdir()
    with pytest.raises(WriteFailed, match=r"Cannot write a temporary file in .*TMPDIR"):
        fs.open(path, "wb")


@pytest.mark.parametrize("way", ["swallowed write", "swallowed block", "never closed", "swallowed close"])
def test_a_transaction_with_a_file_that_failed_uploads_none(fs, name, way):
    good, bad = f"objects/{name}/1", f"objects/{name}/2"

    def write_badly():
        file = fs.open(bad, "wb")
        if way == "never closed":
            file.write(b"half")
        elif way == "swallowed block":
            with contextlib.suppress(ZeroDivisionError), file:
                file.write(bytes(1 // 0))
        else:
            fail_to_write(file.write, DATA)
            with contextlib.suppress(WriteFailed if way == "swallowed close" else ()):
                file.close()

    with pytest.raises(WriteFailed), fs.transaction:  # noqa: PT012 (the block is what is tested)
        fs.pipe_file(good, b"good")
        write_badly()
    assert not fs.exists(good)
    assert not fs.exists(bad)
    fs.pipe_file(good, b"after")  # the transaction has ended
    assert fs.cat_file(good) == b"after"


def test_pipes_puts_and_copies_in_a_transaction_wait_for_its_end(fs, hook, name, run, tmp_path):
    run.add("public/a.txt", DATA, content_type="text/x-report")
    (tmp_path / "file").write_bytes(DATA)
    paths = [f"objects/{name}/{way}" for way in ("pipe", "put", "copy")]

    def write():
        fs.pipe({paths[0]: DATA})
        fs.put_file(str(tmp_path / "file"), paths[1])
        fs.copy(f"artifacts/{run.task_id}/latest/public/a.txt", paths[2])
        assert not any(fs.exists(path) for path in paths)

    with contextlib.suppress(ZeroDivisionError), fs.transaction:
        write()
        assert 1 // 0
    assert not any(fs.exists(path) for path in paths)
    with fs.transaction:
        write()
    assert [fs.cat_file(path) for path in paths] == [DATA] * 3
    assert hook.open_object(f"{name}/copy").content_type == "text/x-report"
    with pytest.raises(FileExistsError), fs.transaction:
        fs.pipe_file(paths[0], b"x", mode="create")


def test_a_failed_upload_ends_a_transaction(fs, name):
    fs.pipe_file(f"objects/{name}/1", b"other")
    with pytest.raises(Conflict), fs.transaction:  # noqa: PT012 (the block is what is tested)
        with fs.open(f"objects/{name}/1", "wb", if_exists="fail") as file:
            file.write(b"data")
        with fs.open(f"objects/{name}/2", "wb") as file:
            file.write(b"data")
    assert not fs.exists(f"objects/{name}/2")
    fs.pipe_file(f"objects/{name}/2", b"at once")
    assert fs.exists(f"objects/{name}/2")


def test_a_failed_write_is_pickled():
    error = pickle.loads(pickle.dumps(WriteFailed("why", transient=False)))
    assert (str(error), error.transient) == ("why", False)


WRITER = """
import sys
from airflow_provider_taskcluster.fs.filesystem import TaskclusterFileSystem
file = TaskclusterFileSystem("tc_test").open(sys.argv[1], "wb")
file.write(bytes(1_000_000))
print("written", flush=True)
sys.stdin.read()
"""


def test_a_kill_leaves_nothing(hook, fs, path, tmp_path):
    folder = tmp_path / "temporary"
    folder.mkdir()
    command = [sys.executable, "-c", WRITER, path]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env={**os.environ, "TMPDIR": str(folder)}, **pipes) as process:
        assert process.stdout.readline() == b"written\n"
        process.kill()
    assert not list(folder.iterdir())
    assert not fs.exists(path)


def test_a_copy_leaves_nothing_while_it_runs(fs, path, run, temporary, tc):
    run.add("public/a", DATA)
    seen = []
    upload = fs.backend.upload

    def look(*arguments, **options):
        seen.append(list(temporary.iterdir()))
        upload(*arguments, **options)

    object.__setattr__(fs.backend, "upload", look)
    fs.copy(f"artifacts/{run.task_id}/latest/public/a", path)
    assert seen == [[]]
    assert fs.cat_file(path) == DATA


def test_a_child_process_does_not_write_what_its_parent_holds(fs, path):
    """Both have the same file open, and what the parent holds in memory when it forks is in the child, too."""
    file = fs.open(path, "wb")
    file.write(b"from the parent")
    child = os.fork()
    if not child:
        del file
        gc.collect()
        os._exit(0)
    os.waitpid(child, 0)
    file.close()
    assert fs.cat_file(path) == b"from the parent"

"""Writing to the filesystem creates an object when the file is closed, and nothing after an earlier failure."""

from __future__ import annotations

import gc
import gzip
import io
import os
import tempfile
from datetime import UTC, datetime, timedelta

import fsspec
import pytest

from airflow_provider_taskcluster.emulator.store.faults import Status
from airflow_provider_taskcluster.exceptions import Conflict, InsufficientScopes, InvalidInput, InvalidName
from airflow_provider_taskcluster.transfer.sink.base import MemorySink

DATA = os.urandom(2_000_000)


@pytest.fixture
def path(name):
    return f"objects/{name}"


@pytest.fixture(autouse=True)
def no_file_is_left(tmp_path, monkeypatch):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield
    gc.collect()
    assert not list(folder.iterdir())


def test_what_is_written_is_an_object_when_the_file_is_closed(fs, hook, path, name):
    with fs.open(path, "wb") as file:
        file.write(DATA[:1_000_000])
        file.write(DATA[1_000_000:])
        assert file.tell() == len(DATA)
        assert not fs.exists(path)
    assert hook.read_object(name) == DATA
    assert set(hook.object_metadata(name)["hashes"]) == {"sha256", "sha512"}


def test_a_closed_file_takes_no_more(fs, path):
    file = fs.open(path, "wb")
    file.close()
    file.close()
    with pytest.raises(ValueError, match="closed"):
        file.write(b"x")


class Broken(Exception):
    """What goes wrong while a file is written."""


def write_then_break(file, data=b"half of it"):
    file.write(data)
    raise Broken


def test_an_error_in_the_block_publishes_nothing(fs, path, caplog):
    with pytest.raises(Broken), fs.open(path, "wb") as file:
        write_then_break(file)
    assert not fs.exists(path)
    assert "not uploaded, because of Broken" in caplog.text


@pytest.mark.parametrize("compression", [None, "gzip", "bz2", "xz"])
@pytest.mark.parametrize("mode", ["w", "wb"])
@pytest.mark.parametrize("way", ["filesystem", "fsspec"])
def test_an_error_in_a_block_around_text_or_compression_publishes_nothing(fs, hook, path, mode, compression, way):
    def opened():
        if way == "filesystem":
            return fs.open(path, mode, compression=compression)
        return fsspec.core.OpenFile(fs, path, mode, compression=compression)

    data = "half of it" if mode == "w" else b"half of it"
    with pytest.raises(Broken), opened() as file:
        write_then_break(file, data)
    assert not fs.exists(path)
    with opened() as file:
        file.write(data)
    with fs.open(path, mode.replace("w", "r"), compression=compression) as file:
        assert file.read() == data


def test_a_file_that_an_error_closes_publishes_nothing(fs, path):
    file = fs.open(path, "wb")
    with pytest.raises(Broken):  # noqa: PT012 (the way a finally block closes it is what is tested)
        try:
            write_then_break(file)
        finally:
            file.close()
    assert not fs.exists(path)


def test_an_error_that_was_there_before_does_not_count(fs, path):
    try:
        write_then_break(io.BytesIO())
    except Broken:
        with fs.open(path, "wb") as file:
            file.write(b"what to do then")
    assert fs.cat_file(path) == b"what to do then"


def test_a_block_that_ends_well_while_an_error_is_handled_publishes(fs, path):
    file = fs.open(path, "wb")
    file.write(b"1")
    try:
        write_then_break(io.BytesIO())
    except Broken:
        with file:
            file.write(b"2")
    assert fs.cat_file(path) == b"12"


@pytest.mark.parametrize("compression", [None, "gzip"])
@pytest.mark.parametrize("mode", ["w", "wb"])
def test_a_file_closed_while_an_error_is_handled_is_not_lost_unseen(fs, path, mode, compression):
    file = fs.open(path, mode, compression=compression)

    def closed_too_late():
        try:
            write_then_break(io.BytesIO())
        except Broken:
            file.close()

    with pytest.raises(Broken) as caught:
        closed_too_late()
    assert f"{path} was closed while this was handled, and is not uploaded" in caught.value.__notes__[0]
    assert not fs.exists(path)


def test_a_file_that_is_never_closed_publishes_nothing(fs, path, caplog):
    fs.open(path, "wb").write(b"half of it")
    gc.collect()
    assert "never closed" in caplog.text
    assert not fs.exists(path)


def test_an_upload_that_fails_rises_from_the_block(fs, path, tc):
    tc.faults.add(Status(403), method="PUT", times=100)
    with pytest.raises(Exception, match="403"), fs.open(path, "wb") as file:
        file.write(DATA)
    assert not fs.exists(path)


def test_the_same_again_is_no_error_and_other_content_is(fs, path):
    fs.pipe_file(path, b"one")
    fs.pipe_file(path, b"one")
    with pytest.raises(Conflict), fs.open(path, "wb") as file:
        file.write(b"other")
    assert fs.cat_file(path) == b"one"


@pytest.mark.parametrize("way", ["open", "pipe_file", "put_file"])
def test_what_is_to_be_new_must_be(fs, path, way, tmp_path):
    (tmp_path / "file").write_bytes(b"data")
    make = {
        "open": lambda: fs.open(path, "xb").close(),
        "pipe_file": lambda: fs.pipe_file(path, b"", mode="create"),
        "put_file": lambda: fs.put_file(str(tmp_path / "file"), path, mode="create"),
    }[way]
    make()
    with pytest.raises(FileExistsError) as caught:
        make()
    assert isinstance(caught.value, Conflict)


def test_who_comes_second_to_a_new_file_learns_it_at_the_end(fs, path):
    file = fs.open(path, "xb")
    fs.pipe_file(path, b"data")
    with pytest.raises(FileExistsError):
        file.close()


def test_a_transaction_publishes_all_at_its_end_or_nothing(fs, name):
    paths = [f"objects/{name}/1", f"objects/{name}/2"]
    with pytest.raises(Broken), fs.transaction:  # noqa: PT012 (the block is what is tested)
        for path in paths:
            with fs.open(path, "wb") as file:
                file.write(path.encode())
        raise Broken
    assert not any(fs.exists(path) for path in paths)
    with fs.transaction:
        for path in paths:
            with fs.open(path, "wb") as file:
                file.write(path.encode())
        assert not any(fs.exists(path) for path in paths)
    assert [fs.cat_file(path) for path in paths] == [path.encode() for path in paths]


def test_terms_of_the_upload_can_be_said(filesystem, hook, name):
    expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    fs = filesystem(project_id="other-project", expires=expires)
    with fs.open(f"objects/{name}", "w", content_type="text/x-note") as file:
        file.write("note")
    found = hook.object_metadata(name)
    assert found["projectId"] == "other-project"
    assert datetime.fromisoformat(found["expires"]) == expires
    assert hook.open_object(name).content_type == "text/x-note"


def test_the_same_write_repeated_is_the_same_upload(fs, hook, name, tc):
    """So that it is no conflict with the first one, should that have died before its end."""
    with fs.open(f"objects/{name}", "wb", expires=timedelta(days=30)) as file:
        file.write(b"data")
    until = datetime.fromisoformat(hook.object_metadata(name)["expires"])
    assert until.time().isoformat() == "00:00:00"
    assert timedelta(days=30) <= until - datetime.now(UTC) <= timedelta(days=31)


@pytest.mark.parametrize("path", ["", "objects", "artifacts/fN1SbArXTPSVFNUvaOlinQ/0/public/x", "artifacts"])
def test_only_objects_can_be_written(fs, path):
    with pytest.raises(InvalidInput, match="only objects"):
        fs.open(path, "wb")


def test_names_that_cannot_be_are_refused_before_anything_is_written(fs):
    with pytest.raises(InvalidName):
        fs.open("objects/a/../b", "wb")


@pytest.mark.parametrize(
    "option",
    [{"expires": "soon"}, {"content_type": "x"}, {"if_exists": "zzz"}, {"foo": 1}],
    ids=str,
)
def test_options_are_checked_before_anything_is_written(fs, path, option):
    with pytest.raises(InvalidInput):
        fs.open(path, "wb", **option)


@pytest.mark.parametrize("mode", ["ab", "r+b", "a"])
def test_other_modes_are_refused(fs, path, mode):
    with pytest.raises(InvalidInput, match="mode"):
        fs.open(path, mode)


def test_nothing_can_be_deleted_or_moved(fs, path):
    fs.pipe_file(path, b"data")
    for refuse in (fs.rm, fs.rm_file, fs.delete, fs.rmdir):
        with pytest.raises(InvalidInput, match="until they expire"):
            refuse(path)
    with pytest.raises(InvalidInput, match="copy it"):
        fs.mv(path, f"{path}-2")
    assert not fs.exists(f"{path}-2")


def test_files_of_this_machine_are_put(fs, path, tmp_path):
    (tmp_path / "in/deeper").mkdir(parents=True)
    (tmp_path / "in/a").write_bytes(DATA)
    (tmp_path / "in/deeper/b").write_bytes(b"b")
    callback = fsspec.callbacks.Callback()
    fs.put_file(str(tmp_path / "in/a"), f"{path}/one", callback=callback)
    assert callback.value == len(DATA)
    fs.put(f"{tmp_path}/in/", f"{path}/many/", recursive=True)
    assert fs.cat_file(f"{path}/one") == fs.cat_file(f"{path}/many/a") == DATA
    assert fs.cat_file(f"{path}/many/deeper/b") == b"b"


def test_an_artifact_is_copied_to_an_object(fs, path, run):
    run.add("public/a", DATA, storage_type="s3", gzipped=True)
    fs.copy(f"artifacts/{run.task_id}/latest/public/a", path)
    assert fs.cat_file(path) == DATA
    with pytest.raises(FileNotFoundError):
        fs.copy(f"artifacts/{run.task_id}/latest/public/missing", f"{path}-2")


def test_a_copy_has_the_content_type_of_what_was_copied(fs, hook, name, run):
    run.add("public/a.txt", DATA, content_type="text/x-report")
    fs.copy(f"artifacts/{run.task_id}/latest/public/a.txt", f"objects/{name}")
    fs.copy(f"objects/{name}", f"objects/{name}.json")
    fs.cp_file(f"objects/{name}", f"objects/{name}-2", content_type="text/html")
    kinds = [hook.download_object(name + end, MemorySink()).content_type for end in ("", ".json", "-2")]
    assert kinds == ["text/x-report", "text/x-report", "text/html"]


def test_who_may_only_upload_learns_that_a_name_is_taken(holding, filesystem, hook, path, name):
    holding("object:upload:tests:*")
    fs = filesystem("tc_limited")
    fs.pipe_file(path, b"data", mode="create")
    with pytest.raises(FileExistsError), fs.open(path, "xb") as file:
        file.write(b"data")
    assert hook.read_object(name) == b"data"


def test_a_missing_scope_is_named(holding, filesystem, name):
    holding("object:upload:tests:other")
    with pytest.raises(InsufficientScopes, match=f"object:upload:tests:{name}"):
        filesystem("tc_limited").pipe_file(f"objects/{name}", b"data")


def test_a_file_is_what_python_takes_for_one(fs, path):
    with fs.open(path, "wb") as file:
        assert isinstance(file, io.BufferedIOBase)
        assert (file.readable(), file.writable(), file.seekable()) == (False, True, False)
        with gzip.open(file, "wb") as compressed:
            compressed.write(DATA)
    assert gzip.decompress(fs.cat_file(path)) == DATA

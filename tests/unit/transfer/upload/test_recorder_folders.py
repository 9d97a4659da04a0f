"""Records of uploads in folders, of this machine and of a storage."""

from __future__ import annotations

import os
import resource
from dataclasses import asdict, replace
from pathlib import Path

import fsspec
import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_taskcluster.exceptions import DestinationError
from airflow_provider_taskcluster.transfer.upload.recorder import (
    VERSION,
    check_recorder,
    forget,
    load,
    recorder_for,
    save,
    save_first,
)

try:
    from airflow.sdk.io import attach
except ImportError:
    from airflow.io.store import attach
from recorder_contract import RECORD, RecorderContract


class FolderContract(RecorderContract):
    """What holds where a record is a file."""

    @pytest.fixture
    def folder(self, tmp_path):
        return tmp_path / "new" / "folder"

    @pytest.fixture
    def file(self, recorder, folder):
        save(recorder, RECORD)
        (file,) = folder.iterdir()
        return file

    def test_only_its_owner_may_read_it(self, file):
        assert file.stat().st_mode & 0o777 == 0o600

    def test_nothing_is_left_beside_it(self, recorder, file, folder):
        save(recorder, replace(RECORD, size=7))
        assert list(folder.iterdir()) == [file]
        forget(recorder, RECORD)
        assert list(folder.iterdir()) == []

    def test_an_upload_that_writes_no_record_sweeps_too(self, recorder, file, folder):
        """It finds that of an earlier try, whose temporary file a power loss has brought back."""
        left = folder / f"{file.name}.0123abcd.new"
        left.touch()
        os.utime(left, (0, 0))
        forget(recorder, RECORD)
        assert list(folder.iterdir()) == []

    def test_a_probe_that_a_killed_process_leaves_is_swept(self, recorder, folder, monkeypatch):
        with monkeypatch.context() as killed:
            killed.setattr(type(recorder), "delete", lambda *_: None)
            check_recorder(recorder, RECORD)
        recorder.sweep()
        assert list(folder.iterdir()) == []

    @pytest.mark.parametrize(
        "content",
        [b"", b"{torn", b"[]", b"7", b"null", b"\xff\xfe", b"[" * 100_000, b'{"version": 1}'],
        ids=lambda content: repr(content[:20]),
    )
    def test_a_broken_record_is_void_and_gone_with_the_next(self, recorder, file, folder, content):
        file.write_bytes(content)
        assert load(recorder, RECORD.slot) is None
        other = replace(RECORD, name="a/c")
        save(recorder, other)
        assert [left.name for left in folder.iterdir()] == [f"{other.slot}.json"]

    def test_dead_records_are_swept_and_others_left(self, recorder, file, folder):
        dead = replace(RECORD, part_size=None, expires=1)
        alive = replace(RECORD, name="alive")
        foreign = folder / "other.json"
        foreign.write_text("{}")
        recorder.save(dead.slot, {"version": VERSION, **asdict(dead)})
        save(recorder, alive)
        assert load(recorder, alive.slot) == alive
        assert set(folder.iterdir()) == {file, foreign, folder / f"{alive.slot}.json"}


class TestFolder(FolderContract):
    @pytest.fixture(params=[str, Path], ids=["text", "Path"])
    def recorder(self, request, folder):
        return recorder_for(request.param(folder))

    def test_what_a_killed_writer_left_is_swept_when_it_is_old(self, recorder, file, folder):
        """It holds a key."""
        old, new = (folder / f"{RECORD.slot}.json.{n}.new" for n in (1, 2))
        old.write_text("half")
        new.write_text("half")
        os.utime(old, (1, 1))
        save(recorder, RECORD)
        assert set(folder.iterdir()) == {file, new}

    def test_a_record_that_cannot_be_written_leaves_nothing(self, recorder, folder):
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))  # the signal is ignored by Python
        try:
            with pytest.raises(DestinationError, match=r"record of an upload cannot be kept in .*: File too large"):
                save(recorder, RECORD)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert list(folder.iterdir()) == []

    @pytest.mark.parametrize("links", ["has", "has no"])
    def test_the_first_record_counts(self, recorder, file, monkeypatch, collector_off, links):
        if links == "has no":  # as SMB and FAT

            def refuse(*_):
                raise PermissionError

            monkeypatch.setattr(os, "link", refuse)
        first = replace(RECORD, part_size=None)
        assert save_first(recorder, first) == first
        kept = save_first(recorder, replace(first, key="another"))
        assert kept.key == (RECORD.key if links == "has" else "another")
        assert load(recorder, first.slot) == kept

    def test_what_is_no_record_does_not_count(self, recorder, folder):
        first = replace(RECORD, part_size=None)
        folder.mkdir(parents=True)
        (folder / f"{first.slot}.json").write_text("half")
        assert save_first(recorder, first) == first
        assert load(recorder, first.slot) == first

    def test_a_folder_that_cannot_be_written_is_named(self, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(DestinationError, match=r"record of an upload cannot be kept in .*file/folder: Not a dir"):
            save(recorder_for(tmp_path / "file" / "folder"), RECORD)

    def test_a_folder_that_is_none_is_named_and_left(self, tmp_path):
        (tmp_path / "file").touch()
        recorder = recorder_for(tmp_path / "file")
        with pytest.raises(DestinationError, match=r"record of an upload cannot be read from .*file: Not a directory"):
            load(recorder, RECORD.slot)
        forget(recorder, RECORD)
        recorder.sweep()
        with pytest.raises(DestinationError, match="record of an upload cannot be kept in"):
            save(recorder, RECORD)
        assert (tmp_path / "file").read_bytes() == b""

    def test_a_record_that_cannot_be_read_now_is_not_taken_for_none(self, recorder, file, collector_off):
        """Too many open files stand for ESTALE and EIO: a later try may be able to."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        free = os.dup(0)
        os.close(free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (free + 1, hard))  # enough for the folder alone
        try:
            with pytest.raises(DestinationError, match=r"cannot be read from .*: Too many open files") as caught:
                load(recorder, RECORD.slot)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert caught.value.transient
        assert load(recorder, RECORD.slot) == RECORD

    @pytest.mark.parametrize("target", ["itself", "a record"])
    def test_a_link_in_the_place_of_a_record_is_neither_read_nor_replaced(self, recorder, file, folder, target):
        """It is left to its owner; what it leads to would be somebody else's choice."""
        moved = file.rename(folder.parent / "moved.json")
        file.symlink_to({"itself": file.name, "a record": moved}[target])
        with pytest.raises(
            DestinationError, match=r"cannot be read from .*: Too many levels of symbolic links"
        ) as caught:
            load(recorder, RECORD.slot)
        assert caught.value.transient
        recorder.sweep()
        assert file.is_symlink()

    def test_a_folder_in_the_place_of_a_record_is_an_error_that_stays(self, recorder, folder):
        (folder / f"{RECORD.slot}.json").mkdir(parents=True)
        for use in (lambda: load(recorder, RECORD.slot), lambda: save(recorder, RECORD)):
            with pytest.raises(
                DestinationError, match=r"record of an upload cannot be .*; name one that can be"
            ) as caught:
                use()
            assert not caught.value.transient

    def test_a_record_with_a_second_name_may_be_of_somebody_else(self, recorder, file, folder):
        os.link(file, folder / "second")
        assert load(recorder, RECORD.slot) is None
        save(recorder, RECORD)
        assert load(recorder, RECORD.slot) == RECORD

    def test_a_record_has_two_names_while_it_gets_its_own(self, recorder, file, folder):
        os.link(file, folder / f"{file.name}.0123abcd.new")
        assert load(recorder, RECORD.slot) == RECORD
        os.link(file, folder / "third")
        assert load(recorder, RECORD.slot) is None


class TestObjectStorageFolder(FolderContract):
    @pytest.fixture
    def recorder(self, folder):
        return recorder_for(ObjectStoragePath(f"file://{folder}"))


class TestObjectStorageElsewhere(RecorderContract):
    """A store without files, as S3 has none: each test has a folder of its own in fsspec's memory."""

    @pytest.fixture
    def recorder(self, tmp_path):
        attach("memory", conn_id="recorder", fs=fsspec.filesystem("memory"))  # what has no connection, others may name
        return recorder_for(ObjectStoragePath(f"memory://recorder@/{tmp_path.name}/{os.urandom(6).hex()}"))

    def test_dead_records_are_swept(self, recorder):
        dead = replace(RECORD, name="dead", expires=1)
        recorder.save(dead.slot, {"version": VERSION, **asdict(dead)})
        save(recorder, RECORD)
        assert recorder.load(dead.slot) is None
        assert load(recorder, RECORD.slot) == RECORD

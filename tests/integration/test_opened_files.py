"""Files opened by the hook are binary files of Python, as the standard library and pandas expect."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import tarfile
import zipfile

import pandas as pd
import polars as pl
import pyarrow.parquet
import pytest
from multipart_objects import digest, own_part, part_of, upload_in_parts, upload_manifest

from airflow_provider_taskcluster.emulator.store.faults import Corrupt, Cut, Headers, Ignore, Short, Status
from airflow_provider_taskcluster.exceptions import HashMismatch, NotFound, Truncated
from airflow_provider_taskcluster.transfer.download.stored_file import READ_AHEAD
from airflow_provider_taskcluster.transfer.parts_manifest import Manifest

DATA = os.urandom(READ_AHEAD + 3_000_000)
TABLE = pd.DataFrame({"number": range(50_000), "text": [f"row {n}" for n in range(50_000)]})


@pytest.fixture(params=["object", "object in parts", "s3 artifact", "gzip artifact", "object artifact"])
def published(request, hook, name, expires, run):
    """Publish bytes in one of the ways that there are, and return what opens them."""

    def publish(data):
        if request.param == "object":
            hook.upload_object(data, name, expires=expires)
            return lambda: hook.open_object(name)
        if request.param == "object in parts":
            upload_in_parts(hook, data, name, expires)
            return lambda: hook.open_object(name)
        kind, _, _ = request.param.partition(" ")
        run.add("public/file", data, storage_type="object" if kind == "object" else "s3", gzipped=kind == "gzip")
        return lambda: hook.open_artifact(run.task_id, "public/file")

    return publish


def zipped(files):
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return file.getvalue()


def tarred(files, mode="w:gz"):
    with io.BytesIO() as file:
        with tarfile.open(fileobj=file, mode=mode) as archive:
            for name, content in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return file.getvalue()


def test_it_is_a_file_like_any_other(published):
    open_it = published(DATA)
    with open_it() as file:
        assert isinstance(file, io.BufferedReader)
        assert isinstance(file.raw, io.RawIOBase)
        assert (file.readable(), file.seekable(), file.writable(), file.mode) == (True, True, False, "rb")
        assert file.size == len(DATA)
        assert file.read(10) == DATA[:10]
        assert file.tell() == 10
        assert file.seek(-5, io.SEEK_END) == len(DATA) - 5
        assert file.read() == DATA[-5:]
        assert file.read() == b""
        assert file.seek(1_000) == 1_000
        buffer = bytearray(READ_AHEAD + 1_000)
        assert file.readinto(buffer) == len(buffer)
        assert buffer == DATA[1_000 : 1_000 + len(buffer)]
        file.seek(0)
        assert file.read() == DATA
        file.seek(len(DATA) + 10)
        assert file.read(1) == b""
        with pytest.raises(ValueError, match=r"negative|no byte"):
            file.seek(-1)
        with pytest.raises(io.UnsupportedOperation):
            file.fileno()
    assert file.closed
    with pytest.raises(ValueError, match="closed"):
        file.read(1)


def test_it_is_copied_in_blocks_and_read_by_lines(published):
    open_it = published(b"first\nsecond\n" * 10_000)
    copy = io.BytesIO()
    with open_it() as file:
        shutil.copyfileobj(file, copy)
    assert copy.getvalue() == b"first\nsecond\n" * 10_000
    with open_it() as file:
        assert sum(1 for _ in io.TextIOWrapper(file)) == 20_000


def test_nothing_is_an_empty_file(published):
    with published(b"")() as file:
        assert (file.read(), file.size, file.seek(0, io.SEEK_END)) == (b"", 0, 0)


def test_the_standard_library_reads_it(published):
    files = {"a.txt": b"a" * 1_000, "deeper/b.bin": DATA}
    with published(zipped(files))() as file, zipfile.ZipFile(file) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == files


@pytest.mark.parametrize("mode", ["r:gz", "r|gz"])
def test_tarfile_reads_it(published, mode):
    files = {"a.txt": b"a" * 1_000, "deeper/b.bin": DATA}
    with published(tarred(files))() as file, tarfile.open(fileobj=file, mode=mode) as archive:
        assert {member.name: archive.extractfile(member).read() for member in archive} == files


def test_json_and_gzip_read_it(published):
    with published(json.dumps({"grün": [1, 2]}).encode())() as file:
        assert json.load(file) == {"grün": [1, 2]}


def test_tables_are_read_from_it(published):
    open_it = published(TABLE.to_parquet())
    with open_it() as file:
        pd.testing.assert_frame_equal(pd.read_parquet(file), TABLE)
    with open_it() as file:
        assert pyarrow.parquet.read_table(file, columns=["number"]).num_rows == 50_000
    with open_it() as file:
        assert pl.read_parquet(file)["text"].to_list() == TABLE["text"].tolist()


def test_csv_is_read_from_it(published):
    open_it = published(gzip.compress(TABLE.to_csv(index=False).encode()))
    with open_it() as file:
        pd.testing.assert_frame_equal(pd.read_csv(file, compression="gzip"), TABLE)
    with open_it() as file, gzip.open(file) as unpacked:
        assert unpacked.readline() == b"number,text\n"


def test_a_small_read_fetches_a_piece_of_a_large_body(hook, name, expires, tc):
    hook.upload_object(DATA, name, expires=expires)
    tc.journal.clear()
    with hook.open_object(name) as file:
        file.seek(2_000_000)
        assert file.read(3) == DATA[2_000_000:2_000_003]
        assert file.read(1_000_000) == DATA[2_000_003:3_000_003]
    gets = tc.journal.entries(origin="store", method="GET")
    assert [entry.headers["range"] for entry in gets] == [
        "bytes=0-262143",
        f"bytes=2000000-{2_000_000 + READ_AHEAD - 1}",
    ]


def test_a_cut_in_the_middle_is_not_seen(hook, name, expires, tc):
    hook.upload_object(DATA, name, expires=expires)
    with hook.open_object(name) as file:
        tc.faults.add(Cut(100_000), method="GET", times=2)
        assert file.read() == DATA


@pytest.mark.parametrize("fault", [Ignore("range"), Short(1000), Headers({"Content-Range": None})], ids=str)
def test_a_response_that_is_not_the_range_is_asked_for_again(hook, name, expires, tc, fault):
    hook.upload_object(DATA, name, expires=expires)
    with hook.open_object(name) as file:
        tc.faults.add(fault, method="GET")
        assert file.read() == DATA


def test_a_range_that_stays_empty_is_an_error(connect, name, expires, tc):
    hook = connect(extra={"max_retries": 1})
    hook.upload_object(DATA, name, expires=expires)
    with hook.open_object(name) as file:
        tc.faults.add(Short(len(DATA)), method="GET", times=100)
        with pytest.raises(Truncated, match=f"a range ended after 0 of {len(DATA)} bytes"):
            file.read()


def test_a_store_that_knows_no_ranges_is_asked_for_all(hook, name, expires, tc):
    hook.upload_object(DATA, name, expires=expires)
    tc.faults.add(Status(416, {"Content-Range": "bytes */500"}), method="GET")
    with hook.open_object(name) as file:
        assert file.read() == DATA


def test_a_part_of_another_size_than_the_manifest_says_is_refused(hook, name, expires):
    own = own_part(name)
    hook.upload_object(DATA[:10], own, expires=expires)
    upload_manifest(hook, Manifest(20, "text/plain", digest(DATA[:20]), [part_of(own, DATA[:20])]), name, expires)
    with hook.open_object(name) as file, pytest.raises(HashMismatch, match="has 10 bytes, and the manifest says 20"):
        file.read()


def test_what_is_read_in_order_is_verified_and_stays_wrong(hook, name, expires, tc):
    hook.upload_object(DATA, name, expires=expires)
    tc.faults.add(Corrupt(1_000), method="GET", times=100)
    with hook.open_object(name) as file:
        with pytest.raises(HashMismatch):
            shutil.copyfileobj(file, io.BytesIO())
        file.seek(-10, io.SEEK_END)
        with pytest.raises(HashMismatch):
            file.read()


def test_the_content_type_is_that_of_the_object(hook, name, expires):
    hook.upload_object(b"<p>", name, expires=expires, content_type="text/html")
    with hook.open_object(name) as file:
        assert (file.content_type, file.name) == ("text/html", name)


def test_what_is_not_there_is_told_when_it_is_opened(hook, name, run):
    with pytest.raises(NotFound):
        hook.open_object(name)
    with pytest.raises(NotFound):
        hook.open_artifact(run.task_id, "public/missing")


def test_an_open_file_is_the_source_of_an_upload(hook, name, expires, run):
    run.add("public/a.bin", DATA)
    with hook.open_artifact(run.task_id, "public/a.bin") as file:
        hook.upload_object(file, name, expires=expires)
    assert hook.read_object(name) == DATA

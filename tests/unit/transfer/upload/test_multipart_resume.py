"""What is taken up of a record, with no call made: the verbs of an upload in parts that only read."""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_taskcluster.common.network import Network
from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.transfer.config import TransferConfig
from airflow_provider_taskcluster.transfer.http.client import StoreClient
from airflow_provider_taskcluster.transfer.parts_manifest import LARGEST_PART
from airflow_provider_taskcluster.transfer.source.factory import source_for
from airflow_provider_taskcluster.transfer.upload.identity import Identity
from airflow_provider_taskcluster.transfer.upload.multipart import MultipartUploader, UploadedPart
from airflow_provider_taskcluster.transfer.upload.object import Target, Uploader
from airflow_provider_taskcluster.transfer.upload.recorder import VERSION, load, recorder_for, save, slot

CONTENT = os.urandom(10_500)
PART = 1000


class NoService:
    """Has no call that could be made."""


@pytest.fixture
def uploader():
    return MultipartUploader(Uploader(NoService(), StoreClient(Network()), TransferConfig()))


@pytest.fixture
def recorder(tmp_path):
    return recorder_for(tmp_path / "records")


@pytest.fixture
def target(recorder):
    expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    identity = Identity("https://tc.example.com", "project", "a/b", expires, key="k", recorder=recorder)
    return Target(identity, "text/plain")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "source"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def begun(uploader, target, file):
    """An upload that an earlier try has begun."""
    return uploader.initialize_parts(source_for(file), target, PART)


def record(recorder, name="a/b"):
    return load(recorder, slot("https://tc.example.com", "project", name))


def test_parts_cover_the_source_and_are_measured(begun):
    manifest = begun.manifest
    assert (manifest.size, manifest.sha256) == (len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    pieces = [CONTENT[start : start + PART] for start in range(0, len(CONTENT), PART)]
    assert [(part.size, part.sha256) for part in manifest.parts] == [
        (len(piece), hashlib.sha256(piece).hexdigest()) for piece in pieces
    ]


@pytest.mark.parametrize("kind", ["path", "bytes", "open file", "factory"])
def test_what_was_recorded_is_taken_up_in_its_part_size(begun, uploader, target, file, kind):
    with file.open("rb") as opened:
        sources = {"path": file, "bytes": CONTENT, "open file": opened, "factory": lambda: io.BytesIO(CONTENT)}
        again = uploader.try_to_resume_parts(source_for(sources[kind]), target)
    assert (again.part_size, again.manifest) == (PART, begun.manifest)


def test_without_a_record_nothing_is_taken_up_and_nothing_is_written(uploader, target, file, recorder):
    assert uploader.try_to_resume_parts(source_for(file), target) is None
    assert record(recorder) is None


@pytest.mark.parametrize(
    "content",
    [CONTENT[:-1], CONTENT + b"1", bytes([CONTENT[0] ^ 1]) + CONTENT[1:], b""],
    ids=["shorter", "longer", "other", "empty"],
)
def test_another_content_is_not_taken_up_and_the_record_is_left(begun, uploader, target, file, recorder, content):
    kept = record(recorder)
    file.write_bytes(content)
    assert uploader.try_to_resume_parts(source_for(file), target) is None
    assert uploader.try_to_resume_parts(source_for(lambda: io.BytesIO(content)), target) is None
    assert record(recorder) == kept


def test_a_file_that_was_touched_is_the_same(begun, uploader, target, file):
    os.utime(file, (1, 1))
    assert uploader.try_to_resume_parts(source_for(file), target).manifest == begun.manifest


@pytest.mark.parametrize("part_size", [1, LARGEST_PART + 1], ids=str)
def test_a_record_with_a_part_size_that_cannot_be_is_not_taken_up(uploader, target, file, recorder, part_size):
    """Its parts would be none, or more than a manifest may have."""
    uploader.initialize_parts(source_for(file), target, PART)
    save(recorder, replace(record(recorder), part_size=part_size))
    assert record(recorder).part_size == part_size
    assert uploader.try_to_resume_parts(source_for(file), target) is None


@pytest.mark.parametrize("change", [{"key": 5}, {"size": "7"}, {"part_size": "7"}, {"expires": None}], ids=str)
def test_a_broken_record_does_not_fail_the_upload(uploader, target, file, recorder, change):
    uploader.initialize_parts(source_for(file), target, PART)
    kept = record(recorder)
    recorder.save(kept.slot, {"version": VERSION, **asdict(kept), **change})
    assert uploader.try_to_resume_parts(source_for(file), target) is None
    assert uploader.initialize_parts(source_for(file), target, PART).part_size == PART
    assert record(recorder) == kept


def test_a_source_that_cannot_be_read_is_not_taken_up(begun, uploader, target):
    def broken():
        raise OSError("broken disk")

    assert uploader.try_to_resume_parts(source_for(broken), target) is None


def test_beginning_anew_may_change_the_part_size_and_so_all_parts(begun, uploader):
    again = uploader.reinitialize_parts(begun, part_size=2 * PART)
    assert again.part_size == 2 * PART
    assert not {part.name for part in again.manifest.parts} & {part.name for part in begun.manifest.parts}
    assert uploader.reinitialize_parts(begun).manifest == begun.manifest


def test_beginning_anew_may_be_for_another_target_and_so_under_other_names(begun, uploader, target, recorder):
    """With the same source, in the same part size; each has a record of its own."""
    identity = replace(target.identity, name="c/d")
    again = uploader.reinitialize_parts(begun, replace(target, identity=identity))
    assert (again.source, again.part_size, again.target.name) == (begun.source, PART, "c/d")
    assert [part.name for part in again.manifest.parts] == [
        part.name.replace("a/b", "c/d", 1) for part in begun.manifest.parts
    ]
    assert record(recorder, "c/d").name == "c/d"
    assert record(recorder).name == "a/b"


def test_beginning_anew_may_be_for_another_expiry_and_so_with_other_parts(begun, uploader, target):
    identity = replace(target.identity, expires=target.identity.expires + timedelta(hours=1))
    again = uploader.reinitialize_parts(begun, replace(target, identity=identity))
    assert again.target.identity.expires == identity.expires
    assert not {part.name for part in again.manifest.parts} & {part.name for part in begun.manifest.parts}


def test_an_upload_is_not_completed_before_all_parts_are_there(begun, uploader):
    done = [UploadedPart(number, already_present=False) for number in range(10) if number != 4]
    with pytest.raises(InvalidInput, match="Part 4 of 'a/b' is not uploaded yet"):
        uploader.complete_parts(begun, done)

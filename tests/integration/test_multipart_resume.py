"""Multi-part uploads that are resumed send only the missing parts."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime, timedelta

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath
from multipart_tries import ALL, DATA, PART, Kept, Tries, generations, sent

from airflow_provider_taskcluster.emulator.store.faults import Status
from airflow_provider_taskcluster.exceptions import Conflict, StoreError
from airflow_provider_taskcluster.hooks.sync_services import EngineServices
from airflow_provider_taskcluster.transfer.upload.recorder import DirectoryRecorder

RECORDED = ["random key, folder", "random key, ObjectStoragePath", "random key, state store", "stable key, folder"]
WAYS = ["stable key", *RECORDED]


def object_storage_path(folder):
    return ObjectStoragePath(f"file://{folder}")


@pytest.fixture
def tries(connect, name, expires, tmp_path, request):
    """Tries with a derived identity, or with one kept by each kind of recorder."""
    key, _, place = getattr(request, "param", "random key, folder").partition(", ")
    found = Tries(connect, name, expires, temporary=key == "random key")
    if place == "state store":
        found.kept = Kept()
    elif place:
        folder = tmp_path / "records"
        found.folder = folder if place == "folder" else object_storage_path(folder)
    return found


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "source"
    path.write_bytes(DATA)
    return path


in_all_ways = pytest.mark.parametrize("tries", WAYS, indirect=True)
where_recorded = pytest.mark.parametrize("tries", RECORDED, indirect=True)


@in_all_ways
@pytest.mark.parametrize(
    ("there", "missing"),
    [([], ALL), ([0, 1, 3], [2, 4]), (ALL, [])],
    ids=["no part there", "some parts there", "all parts there"],
)
def test_only_what_is_missing_is_sent(tries, tc, file, there, missing):
    tries.leave(file, there)
    tc.journal.clear()
    result = tries.upload(file)
    assert sent(tc) == missing
    assert not result.already_present
    assert tries.content() == DATA
    assert tries.records == []


def other_byte(file):
    with file.open("r+b") as opened:
        opened.seek(2 * PART + 5)
        opened.write(bytes([DATA[2 * PART + 5] ^ 1]))


def grown(file):
    with file.open("ab") as opened:
        opened.write(os.urandom(70_000))


CHANGES = {
    "one part differs": (other_byte, ALL),
    "grown": (grown, [*ALL, 5]),
    "shorter": (lambda file: os.truncate(file, 3 * PART), [0, 1, 2]),
    "touched but equal": (lambda file: os.utime(file, (1, 1)), [2, 4]),
    "written again but equal": (lambda file: (file.unlink(), file.write_bytes(DATA)), [2, 4]),
}


@in_all_ways
@pytest.mark.parametrize(("change", "expected"), CHANGES.values(), ids=CHANGES)
def test_a_source_that_changed_between_two_tries(tries, tc, file, change, expected):
    """Its content counts, not its time: other content is another upload, and shares no part with the old one."""
    tries.leave(file, [0, 1, 3])
    before = generations(tc)
    tc.journal.clear()
    change(file)
    tries.upload(file)
    assert sent(tc) == expected
    assert (generations(tc) == before) == (expected == [2, 4])
    assert tries.content() == file.read_bytes()
    # the key of other content is left until that upload would end: it may be another task's
    assert [json.loads(record)["sha256"] for record in tries.records if json.loads(record)["key"]] == (
        [hashlib.sha256(DATA).hexdigest()] if tries.temporary and expected != [2, 4] else []
    )
    assert [record for record in tries.records if json.loads(record)["part_size"]] == []


@in_all_ways
def test_other_content_under_a_finished_name_is_a_conflict(tries, file):
    tries.upload(file)
    other_byte(file)
    theirs, ours = (hashlib.sha256(content).hexdigest() for content in (DATA, file.read_bytes()))
    with pytest.raises(Conflict, match=rf"exists with other content \(sha256 {theirs}, and yours is {ours}\)"):
        tries.upload(file)
    assert tries.content() == DATA


@where_recorded
def test_a_recorded_part_size_is_used_on(tries, tc, file):
    tries.leave(file, [0, 1, 3])
    tc.journal.clear()
    tries.upload(file, part_size=2 * PART)
    assert sent(tc) == [2, 4]
    assert tries.content() == DATA


@pytest.mark.parametrize("tries", ["stable key"], indirect=True)
def test_without_a_record_another_part_size_is_another_upload(tries, tc, file):
    tries.leave(file, [0, 1, 3])
    before = generations(tc)
    tc.journal.clear()
    tries.upload(file, part_size=2 * PART)
    assert sent(tc) == [0, 1, 2]
    assert not generations(tc) & before
    assert tries.content() == DATA


@in_all_ways
def test_parts_that_are_there_are_found_without_any_record(tries, tc, file):
    """A finished part is told by its content, whoever sent it."""
    tries.leave(file, [0, 1, 3])
    tries.folder = tries.kept = None
    tc.journal.clear()
    tries.upload(file)
    assert sent(tc) == [2, 4]
    assert tries.content() == DATA


@in_all_ways
def test_a_manifest_that_is_there_costs_no_bytes(tries, tc, file):
    tries.upload(file)
    tc.journal.clear()
    again = tries.upload(file)
    assert again.already_present
    assert sent(tc) == []
    assert tries.content() == DATA
    assert tries.records == []


@where_recorded
def test_a_record_from_before_a_clear_is_void(tries, tc, file, expires):
    """A cleared task starts anew, and so its object ends later."""
    tries.leave(file, [0, 1, 3], expires=expires - timedelta(hours=1))
    before = generations(tc)
    tc.journal.clear()
    tries.upload(file)
    assert sent(tc) == ALL
    assert not generations(tc) & before
    assert tries.content() == DATA
    assert tries.records == []


def with_fields(**fields):
    return lambda text: json.dumps({**json.loads(text), **fields})


DAMAGES = {
    "empty": lambda _: "",
    "torn": lambda text: text[:40],
    "no object": lambda _: "[1, 2]",
    "a text": lambda _: '"text"',
    "another version": with_fields(version=99),
    "no version": lambda text: json.dumps({k: v for k, v in json.loads(text).items() if k != "version"}),
    "a field too many": with_fields(more=1),
    "a field too few": lambda text: json.dumps({k: v for k, v in json.loads(text).items() if k != "size"}),
    "another service": with_fields(root_url="https://tc.example"),
    "another project": with_fields(project_id="other"),
    "another target": with_fields(name="tests/other"),
    "another size": with_fields(size=5),
    "other content": with_fields(sha256="0" * 64),
    "expires no number": with_fields(expires="soon"),
    "expired": with_fields(expires=1_600_000_000_000),
    "a key that is none": with_fields(key=5),
    "an empty key": with_fields(key=""),
    "a part size that is none": with_fields(part_size="64 MiB"),
    "no bytes to a part": with_fields(part_size=0),
    "true bytes to a part": with_fields(part_size=True),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_record_that_cannot_be_used_is_void(tries, tc, file, damage):
    tries.leave(file, [0, 1, 3])
    key, part_size = tries.folder.iterdir()
    for record in (key, part_size):
        record.write_text(damage(record.read_text()))
    tc.journal.clear()
    tries.upload(file)
    assert sent(tc) == [2, 4]
    assert tries.content() == DATA
    assert tries.records == []


@pytest.mark.parametrize("tries", ["random key, state store"], indirect=True)
@pytest.mark.parametrize("found", ["5", "null", '"text"', "[]", "{}"])
def test_an_entry_of_the_state_store_that_is_no_record_is_void(tries, tc, file, found):
    tries.leave(file, [0, 1, 3])
    assert len(tries.kept.texts) == 2
    tries.kept.texts = dict.fromkeys(tries.kept.texts, found)
    tc.journal.clear()
    tries.upload(file)
    assert sent(tc) == [2, 4]
    assert tries.content() == DATA
    assert tries.records == []


def test_records_of_uploads_that_are_over_are_swept(tries, file):
    tries.leave(file, [0])
    records = set(tries.folder.iterdir())
    record = min(records)
    dead = tries.folder / f"taskcluster-upload-{'0' * 32}.json"
    dead.write_text(with_fields(expires=1_600_000_000_000)(record.read_text()))
    stranger = tries.folder / "notes.json"
    stranger.write_text("{}")
    DirectoryRecorder(tries.folder).sweep()
    assert set(tries.folder.iterdir()) == {*records, stranger}


def test_what_cannot_be_opened_is_left_to_its_owner(tries, file):
    """Here a link to itself; in a folder that users share, the record of another one."""
    tries.leave(file, [0])
    records = set(tries.folder.iterdir())
    theirs = tries.folder / f"taskcluster-upload-{'0' * 32}.json"
    theirs.symlink_to(theirs.name)
    DirectoryRecorder(tries.folder).sweep()
    assert set(tries.folder.iterdir()) == {*records, theirs}


def test_what_a_killed_write_of_a_record_leaves_is_swept_after_a_day(tries, file):
    """It holds a key. A younger one may be in use."""
    tries.leave(file, [0])
    records = set(tries.folder.iterdir())
    record = min(records)
    old, young = (record.with_name(f"{record.name}.{number}.new") for number in ("1234abcd", "5678abcd"))
    for left in (old, young):
        left.write_text(record.read_text())
    long_ago = (datetime.now(UTC) - timedelta(days=2)).timestamp()
    os.utime(old, (long_ago, long_ago))
    DirectoryRecorder(tries.folder).sweep()
    assert set(tries.folder.iterdir()) == {*records, young}


@pytest.mark.parametrize("tries", ["random key, folder", "random key, state store"], indirect=True)
def test_a_part_that_fails_for_good_leaves_a_record_that_can_be_used(tries, tc, file):
    tc.faults.add(Status(400), method="PUT", nth=3, times=100)
    with pytest.raises(StoreError, match="400"):
        tries.upload(file)
    assert sent(tc) == [0, 1, 2]
    assert len(tries.records) == 2
    tc.faults.clear()
    tc.journal.clear()
    tries.upload(file)
    assert sent(tc) == [2, 3, 4]
    assert tries.content() == DATA
    assert tries.records == []


@where_recorded
def test_a_record_holds_no_credential_and_no_url_but_the_root(tries, tc, file):
    tries.leave(file, [0, 1])
    assert len(tries.records) == 1 + tries.temporary
    for record in tries.records:
        assert tc.access_token not in record
        assert record.count("http") == 1
        assert json.loads(record)["root_url"] == tc.root_url


@pytest.mark.parametrize("tries", ["random key, folder"], indirect=True)
def test_a_recorded_key_is_for_its_owner_only(tries, file):
    tries.leave(file, [0])
    (record,) = (file for file in tries.folder.iterdir() if json.loads(file.read_text())["key"])
    assert record.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("multipart", ["never", "always"])
@pytest.mark.parametrize("tries", ["random key, folder", "random key, state store"], indirect=True)
def test_another_upload_of_the_name_does_not_lock_out_the_first(tries, file, multipart, monkeypatch):
    """It has the same recorder, and meets a conflict; the first one goes on when it is tried again."""
    options = {"multipart": multipart, "expires": tries.expires, "part_size": PART, "recorder": tries.recorder}
    finish = EngineServices.finish_upload

    def killed(self, name, request):
        if name == tries.name and request["hashes"]:  # not when it asks whether all is done
            raise KeyboardInterrupt
        finish(self, name, request)

    with monkeypatch.context() as patch:
        patch.setattr(EngineServices, "finish_upload", killed)
        with pytest.raises(KeyboardInterrupt):
            tries.hook().upload_object(file, tries.name, **options)
    with pytest.raises(Conflict, match="holds the name"):
        tries.hook().upload_object(DATA[::-1], tries.name, **options)
    assert not tries.hook().upload_object(file, tries.name, **options).already_present
    assert tries.content() == DATA

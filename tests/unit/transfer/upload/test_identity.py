from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from airflow_provider_taskcluster.common.names import SLUGID
from airflow_provider_taskcluster.exceptions import DestinationError
from airflow_provider_taskcluster.transfer.upload.identity import Identity
from airflow_provider_taskcluster.transfer.upload.recorder import load, recorder_for, slot
from airflow_provider_taskcluster.transfer.upload.upload_id import derive_upload_id, milliseconds

EXPIRES = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
SHA256, OTHER = "ab" * 32, "cd" * 32
TARGET = {"root_url": "https://tc.example.com", "project_id": "project", "name": "a/b", "expires": EXPIRES}
OWN_ID = "fN1SbArXTPSVFNUvaOlinQ"


@pytest.fixture
def recorder(tmp_path):
    return recorder_for(tmp_path)


def begun(*, sha256=SHA256, size=1000, part_size=None, **arguments):
    """The identity of one try."""
    identity = Identity(**TARGET | arguments)
    identity.begin(size, sha256, part_size)
    return identity


def ids(identity, sha256=SHA256):
    return identity.upload_id("a/b", sha256), identity.upload_id("a/b.part-0f-00000", sha256)


def part_size(recorder):
    """What is kept of it."""
    found = load(recorder, slot("https://tc.example.com", "project", "a/b"))
    return found and found.part_size


def record(recorder, sha256=SHA256):
    """What is kept of the key."""
    return load(recorder, slot("https://tc.example.com", "project", "a/b", sha256))


def test_with_a_key_every_try_derives_the_same_ids_with_nothing_kept():
    assert ids(begun(key="k")) == ids(begun(key="k"))
    assert ids(begun(key="k"))[0] == derive_upload_id("k", **TARGET, sha256=SHA256)


@pytest.mark.parametrize("stable", [{"key": "k"}, {"own_id": OWN_ID}], ids=str)
def test_in_one_piece_with_stable_ids_no_recorder_is_asked(stable):
    asked = []

    class Recorder:
        def load(self, slot):
            asked.append(slot)

        def save(self, slot, document):
            asked.append(slot)

        def delete(self, slot):
            asked.append(slot)

    begun(recorder=Recorder(), **stable).end()
    assert asked == []


def test_ids_are_slugids_bound_to_name_and_content():
    identity = begun(key="k")
    found = {*ids(identity), *ids(identity, OTHER)}
    assert len(found) == 4
    assert all(SLUGID.fullmatch(one) for one in found)


@pytest.mark.parametrize("size", [None, 64])
def test_without_a_key_a_random_one_is_kept_for_the_next_try(recorder, size):
    first = begun(recorder=recorder, part_size=size)
    assert ids(begun(recorder=recorder, part_size=size)) == ids(first)
    assert part_size(recorder) == size


def test_two_tries_at_once_have_the_same_ids(recorder):
    """Of 200 such pairs 47 had others, and who came second lost its way back."""
    for number in range(50):
        content, gate = f"{number:064x}", threading.Barrier(2)

        def go(content=content, gate=gate):
            identity = Identity(**TARGET, recorder=recorder)
            gate.wait()
            identity.begin(1000, content)
            return ids(identity, content)

        with ThreadPoolExecutor(2) as pool:
            first, second = pool.submit(go), pool.submit(go)
        assert first.result() == second.result() == ids(begun(sha256=content, recorder=recorder), content)


def test_it_is_kept_before_the_first_call(recorder):
    begun(recorder=recorder)
    assert record(recorder).key


def test_a_record_that_cannot_be_read_for_a_moment_is_not_written_over(recorder, tmp_path):
    """Else its key would be lost, and the name locked for a day."""
    first = begun(recorder=recorder)
    (file,) = tmp_path.iterdir()
    away = file.rename(tmp_path / "away")
    file.symlink_to(file.name)  # each opening of it is an error
    with pytest.raises(DestinationError, match="cannot be read"):
        begun(recorder=recorder)
    away.rename(file)
    assert ids(begun(recorder=recorder)) == ids(first)


def test_without_a_key_and_a_recorder_the_log_says_what_a_retry_will_meet(caplog):
    first, second = begun(), begun()
    assert ids(first) != ids(second)
    assert caplog.text.count("the next one meets a conflict for up to a day") == 2


@pytest.mark.parametrize("arguments", [{"key": "k"}, {"own_id": OWN_ID}], ids=str)
def test_with_a_key_there_is_nothing_to_warn_of(caplog, arguments):
    begun(**arguments)
    assert caplog.text == ""


@pytest.mark.parametrize("part_size", [None, 64])
def test_an_upload_of_other_content_leaves_the_key_of_the_first(recorder, part_size):
    """It meets a conflict, and the first goes on."""
    first = begun(recorder=recorder, part_size=part_size)
    second = begun(recorder=recorder, part_size=part_size, sha256=OTHER, size=7)
    assert record(recorder).key != record(recorder, OTHER).key
    assert not set(ids(first)) & set(ids(second))
    assert ids(begun(recorder=recorder, part_size=part_size)) == ids(first)


@pytest.mark.parametrize("change", [timedelta(milliseconds=1), -timedelta(hours=1)], ids=str)
def test_an_upload_with_another_expiry_has_other_ids_and_leaves_those_of_the_first(recorder, change):
    first = begun(recorder=recorder)
    second = begun(recorder=recorder, expires=EXPIRES + change)
    assert not set(ids(first)) & set(ids(second))
    assert ids(begun(recorder=recorder)) == ids(first)
    assert ids(begun(recorder=recorder, expires=EXPIRES + change)) == ids(second)
    assert record(recorder).expires == milliseconds(max(EXPIRES, EXPIRES + change))


@pytest.mark.parametrize(
    "change", [{"name": "a/c"}, {"project_id": "p"}, {"root_url": "https://other.example.com"}], ids=str
)
def test_another_target_has_a_record_of_its_own(recorder, change):
    begun(recorder=recorder)
    kept = record(recorder)
    begun(recorder=recorder, **change)
    assert record(recorder) == kept


def test_another_part_size_keeps_the_key(recorder):
    begun(recorder=recorder, part_size=64)
    key = record(recorder).key
    begun(recorder=recorder, part_size=128)
    assert (record(recorder).key, part_size(recorder)) == (key, 128)


def test_a_stable_key_is_never_written_down(recorder, tmp_path):
    begun(recorder=recorder, key="stable key", part_size=64)
    begun(recorder=recorder, own_id=OWN_ID, part_size=64)
    (file,) = tmp_path.iterdir()
    assert json.loads(file.read_text())["key"] is None
    assert "stable key" not in file.read_text()
    assert OWN_ID not in file.read_text()


class OutOfOrder:
    """A recorder, of which one thing works."""

    def __init__(self, works):
        self._works = works

    def load(self, slot):
        if self._works != "load":
            raise PermissionError("not\nnow")

    def save(self, slot, document):
        if self._works != "save":
            raise RuntimeError("not\nnow")

    def delete(self, slot):
        raise RuntimeError("not now")


@pytest.mark.parametrize("works", ["load", "save", "nothing"])
@pytest.mark.parametrize("stable", [{"key": "k"}, {"own_id": OWN_ID}], ids=str)
def test_with_a_stable_key_a_recorder_that_fails_is_a_warning(caplog, stable, works):
    identity = begun(recorder=OutOfOrder(works), part_size=64, **stable)
    assert ids(identity)[0] == ids(begun(**stable))[0]
    assert "The part size of 'a/b' is not kept, and a retry must have the same" in caplog.text
    assert r"parts of this try: not\nnow" in caplog.text
    identity.end()


@pytest.mark.parametrize("works", ["load", "save"])
def test_where_the_key_must_be_kept_a_recorder_that_fails_fails_the_upload(works):
    with pytest.raises((PermissionError, RuntimeError), match=r"not\snow"):
        begun(recorder=OutOfOrder(works))


def test_with_a_stable_key_an_upload_in_one_piece_leaves_no_record(recorder, tmp_path):
    begun(recorder=recorder, key="k")
    assert list(tmp_path.iterdir()) == []


def test_records_that_say_the_same_are_not_written_again(recorder, tmp_path):
    begun(recorder=recorder, part_size=64)
    before = {file.name: file.stat().st_ino for file in tmp_path.iterdir()}
    begun(recorder=recorder, part_size=64)
    assert {file.name: file.stat().st_ino for file in tmp_path.iterdir()} == before
    assert len(before) == 2


@pytest.mark.parametrize(
    ("first", "second"),
    list(pairwise([{"key": "k"}, {}, {"key": "k"}, {"own_id": OWN_ID}, {}])),
    ids=str,
)
def test_credentials_may_change_between_tries(recorder, first, second):
    """From permanent to temporary ones, say."""
    begun(recorder=recorder, part_size=64, **first)
    again = begun(recorder=recorder, part_size=64, **second)
    assert ids(again) == ids(begun(recorder=recorder, part_size=64, **second))
    assert part_size(recorder) == 64


def test_an_id_of_the_caller_s_own_is_that_of_the_object_and_parts_have_theirs():
    identity = begun(own_id=OWN_ID, key="k")
    assert identity.upload_id("a/b", SHA256) == identity.upload_id("a/b", OTHER) == OWN_ID
    part = identity.upload_id("a/b.part-0f-00000", SHA256)
    assert part != OWN_ID
    assert begun(own_id=OWN_ID).upload_id("a/b.part-0f-00000", SHA256) == part


def test_a_finished_upload_is_forgotten(recorder, tmp_path):
    begun(recorder=recorder, part_size=64).end()
    assert list(tmp_path.iterdir()) == []
    begun(key="k").end()
    Identity(**TARGET).end()


def test_whether_a_record_is_of_this_upload(recorder):
    begun(recorder=recorder, part_size=64)
    identity = Identity(**TARGET, recorder=recorder)
    kept = identity.kept()
    assert identity.fits(kept, 1000, SHA256)
    assert not identity.fits(kept, 1001, SHA256)
    assert not identity.fits(kept, 1000, OTHER)
    assert not Identity(**TARGET | {"expires": EXPIRES + timedelta(seconds=1)}).fits(kept, 1000, SHA256)


def test_what_is_not_known_before_has_ids_too_and_leaves_no_record(recorder, tmp_path):
    identity = Identity(**TARGET, recorder=recorder)
    identity.begin_unrecorded()
    assert len(set(ids(identity))) == 2
    assert list(tmp_path.iterdir()) == []


def test_secrets_are_not_shown():
    assert "secret" not in repr(begun(key="a secret key"))
    assert OWN_ID not in repr(begun(own_id=OWN_ID))

"""Records of uploads, and their keys."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from recorder_contract import DOCUMENT, LATER, RECORD, RecorderContract

from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.transfer.upload import recorder as recorders
from airflow_provider_taskcluster.transfer.upload.recorder import (
    DirectoryRecorder,
    StateStoreRecorder,
    forget,
    load,
    recorder_for,
    save,
    slot,
)


class Store:
    """What Airflow's task state store is asked: JSON values by key."""

    def __init__(self):
        self._kept = {}

    def get(self, key):
        return json.loads(self._kept[key]) if key in self._kept else None

    def set(self, key, value):
        self._kept[key] = json.dumps(value)

    def delete(self, key):
        self._kept.pop(key, None)


class TestStateStore(RecorderContract):
    @pytest.fixture
    def store(self):
        return Store()

    @pytest.fixture
    def recorder(self, store):
        return StateStoreRecorder(store)

    @pytest.mark.parametrize("value", ["text", 7, [1], True], ids=repr)
    def test_what_is_no_record_is_void(self, recorder, store, value):
        store.set(RECORD.slot, value)
        assert load(recorder, RECORD.slot) is None

    def test_what_the_store_gave_is_not_changed(self, recorder, store, monkeypatch):
        kept = dict(DOCUMENT)
        monkeypatch.setattr(store, "get", lambda _: kept)
        assert load(recorder, RECORD.slot) == RECORD
        assert kept == DOCUMENT


def test_without_a_recorder_nothing_is_kept():
    save(None, RECORD)
    forget(None, RECORD)
    assert load(None, RECORD.slot) is None
    assert recorder_for(None) is None


@pytest.mark.parametrize("thing", ["", 7, b"folder", ["folder"], True, object], ids=repr)
def test_what_is_no_folder_is_refused(thing):
    with pytest.raises(InvalidInput, match="pass a folder or its path"):
        recorder_for(thing)


def test_a_url_is_refused_with_the_way_out():
    """Else it would be a local folder called ``s3:``."""
    with pytest.raises(InvalidInput, match=r"pass a path, or ObjectStoragePath\('s3://bucket/folder'\)"):
        recorder_for("s3://bucket/folder")


def test_a_record_that_cannot_be_dropped_is_no_failure():
    class Broken(Store):
        def delete(self, key):
            raise RuntimeError("out of order")

    recorder = StateStoreRecorder(Broken())
    save(recorder, RECORD)
    forget(recorder, RECORD)
    assert load(recorder, RECORD.slot) == RECORD


def test_the_key_is_not_shown():
    assert "a secret key" not in repr(RECORD)


@pytest.mark.parametrize(
    ("change", "same"),
    [({"part_size": 7}, True), ({"key": "other"}, True), ({"size": 7}, False), ({"sha256": "cd" * 32}, False),
     ({"expires": LATER + 1}, False), ({"name": "a/c"}, False), ({"project_id": "p"}, False),
     ({"root_url": "x"}, False)],
    ids=lambda value: value if isinstance(value, bool) else next(iter(value)),
)  # fmt: skip
def test_it_is_the_same_upload_if_target_expiry_and_content_are(change, same):
    assert RECORD.fits(replace(RECORD, **change)) is same


def test_each_target_has_one_slot_that_can_be_a_file_name():
    targets = [
        ("u", "p", "n"),
        ("u", "p", "n", "ab"),
        ("u", "p", "n", "cd"),
        ("u", "p", "n/m"),
        ("up", "", "n"),
        ("u", "pn", ""),
        ("", "", '["'),
    ]
    slots = {slot(*target) for target in targets}
    assert len(slots) == len(targets)
    assert all(found.startswith(recorders.PREFIX) and "/" not in found and len(found) < 60 for found in slots)
    assert slot("https://tc.example.com", "project", "a/b") == RECORD.slot
    assert slot("https://tc.example.com", "project", "a/b", "ab" * 32) == replace(RECORD, part_size=None).slot
    assert isinstance(recorder_for("folder"), DirectoryRecorder)

"""What holds for every recorder of uploads."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, replace

import pytest

from airflow_provider_taskcluster.transfer.upload.recorder import (
    VERSION,
    UploadRecord,
    forget,
    load,
    recorder_for,
    save,
)

LATER = int(time.time() * 1000) + 3_600_000
RECORD = UploadRecord(
    root_url="https://tc.example.com",
    project_id="project",
    name="a/b",
    expires=LATER,
    size=1000,
    sha256="ab" * 32,
    part_size=64,
    key="a secret key",
)
DOCUMENT = {"version": VERSION, **asdict(RECORD)}


class RecorderContract:
    """What holds for every recorder; a test class inherits it and says how to make one."""

    @pytest.fixture
    def recorder(self, tmp_path):
        raise NotImplementedError

    def test_what_was_saved_is_loaded(self, recorder):
        save(recorder, RECORD)
        assert load(recorder, RECORD.slot) == RECORD

    def test_where_nothing_was_saved_there_is_nothing(self, recorder):
        assert load(recorder, RECORD.slot) is None
        assert recorder.load(RECORD.slot) is None

    def test_a_later_record_takes_the_place_of_the_earlier(self, recorder):
        save(recorder, RECORD)
        save(recorder, replace(RECORD, size=7, key=None, part_size=128))
        assert load(recorder, RECORD.slot) == replace(RECORD, size=7, key=None, part_size=128)

    def test_the_keys_of_two_contents_of_a_target_and_its_part_size_do_not_touch_each_other(self, recorder):
        one = replace(RECORD, part_size=None)
        two = replace(one, sha256="cd" * 32, key="another key")
        part_size = replace(RECORD, key=None)
        for record in (one, two, part_size):
            save(recorder, record)
        assert [load(recorder, record.slot) for record in (one, two, part_size)] == [one, two, part_size]
        forget(recorder, two)
        assert [load(recorder, record.slot) for record in (one, two, part_size)] == [one, None, part_size]

    def test_targets_have_records_of_their_own(self, recorder):
        other = replace(RECORD, name="a/c")
        save(recorder, RECORD)
        save(recorder, other)
        forget(recorder, RECORD)
        assert load(recorder, RECORD.slot) is None
        assert load(recorder, other.slot) == other

    def test_what_is_forgotten_may_be_forgotten_again(self, recorder):
        save(recorder, RECORD)
        forget(recorder, RECORD)
        forget(recorder, RECORD)
        recorder.delete(RECORD.slot)
        assert load(recorder, RECORD.slot) is None

    def test_a_record_of_another_version_is_void(self, recorder):
        recorder.save(RECORD.slot, DOCUMENT | {"version": VERSION + 1})
        assert load(recorder, RECORD.slot) is None

    def test_a_record_of_an_upload_whose_object_has_ended_is_void(self, recorder):
        recorder.save(RECORD.slot, DOCUMENT | {"expires": int(time.time() * 1000) - 1})
        assert load(recorder, RECORD.slot) is None

    def test_a_record_in_the_place_of_another_target_is_void(self, recorder):
        recorder.save(RECORD.slot, DOCUMENT | {"name": "a/c"})
        assert load(recorder, RECORD.slot) is None

    @pytest.mark.parametrize("key", sorted(DOCUMENT.keys() - {"part_size", "key"}))
    def test_a_record_in_which_something_is_missing_is_void(self, recorder, key):
        recorder.save(RECORD.slot, {name: value for name, value in DOCUMENT.items() if name != key})
        assert load(recorder, RECORD.slot) is None

    @pytest.mark.parametrize(
        "change",
        [{"expires": "soon"}, {"expires": None}, {"expires": 1e300}, {"size": "7"}, {"size": True}, {"part_size": "64"},
         {"part_size": 1.5}, {"part_size": True}, {"key": 5}, {"key": ["k"]}, {"sha256": None}, {"more": 1}],
        ids=str,
    )  # fmt: skip
    def test_a_record_with_something_else_in_it_is_void(self, recorder, change):
        recorder.save(RECORD.slot, DOCUMENT | change)
        assert load(recorder, RECORD.slot) is None

    def test_a_document_is_plain_json(self, recorder):
        save(recorder, RECORD)
        found = recorder.load(RECORD.slot)
        assert json.loads(json.dumps(found)) == found == DOCUMENT

    def test_it_is_taken_as_it_is(self, recorder):
        assert recorder_for(recorder) is recorder

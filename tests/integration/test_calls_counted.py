"""The calls of the services that each transfer takes, of which docs/concepts/scale.md makes sums."""

from __future__ import annotations

import os

import pytest

MIB = 1 << 20
DATA = os.urandom(4 * MIB)


@pytest.fixture
def calls(tc):
    """Count the JSON calls of a piece of work."""

    def count(work):
        tc.journal.clear()
        work()
        return len(tc.journal.entries(origin="api"))

    return count


def test_an_object_takes_two_calls_up_and_one_down(calls, hook, name, expires, tmp_path):
    assert calls(lambda: hook.upload_object(DATA, name, expires=expires)) == 2
    assert calls(lambda: hook.download_object(name, tmp_path / "copy")) == 1


def test_parts_take_two_calls_each_up_and_one_down(calls, hook, name, expires, tmp_path):
    in_parts = {"multipart": "always", "part_size": MIB}
    assert calls(lambda: hook.upload_object(DATA, name, expires=expires, **in_parts)) == 2 * 4 + 3
    assert calls(lambda: hook.download_object(name, tmp_path / "copy")) == 4 + 1


@pytest.mark.parametrize(("storage_type", "each"), [("s3", 1), ("object", 2)])
def test_artifacts_take_one_call_or_two_each_and_two_for_all(calls, hook, run, tmp_path, storage_type, each):
    for number in range(20):
        run.add(f"public/{number}", b"x", storage_type=storage_type)
    assert calls(lambda: hook.open_payload(run.task_id).download(tmp_path)) == 20 * each + 2

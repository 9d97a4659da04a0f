"""The invariants of a chaos run detect violations."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chaos import invariants
from chaos.client import Outcome
from chaos.contents import older
from chaos.emulator_state import StoredObject
from chaos.plan import KINDS, draw
from chaos.transfers import TRANSFERS
from chaos.workspace import Workspace, write


class ObjectsState:
    """Double of the emulator's state."""

    def __init__(self, **objects):
        self._objects = objects

    def objects(self):
        return self._objects


@pytest.fixture
def transfer(tmp_path):
    """A transfer of some kind and files, with the destination that it would have."""

    def make(kind, sizes=(5000,), **facts):
        plan = replace(draw(1, 1), kind=KINDS[kind], sizes=sizes, connections=1, **facts)
        workspace = Workspace(tmp_path, "task", datetime.now(UTC), "http://127.0.0.1:1", "root", "the-token")
        workspace.destination.mkdir(parents=True)
        return TRANSFERS[kind](plan, workspace)

    return make


def finished(content):
    return StoredObject(finished=True, begun=True, content=content)


def test_the_right_bytes_the_older_ones_and_our_own_files_may_be_there(transfer):
    one = transfer("download_payload", (5000, 10), replaces=True)
    first, second = one.files
    write(one.workspace.destination, {first: one.files[first], second: older(one.plan)[second]})
    (one.workspace.destination / ".taskcluster-1.part").write_bytes(b"half")
    assert list(invariants.right_files(one)) == []


@pytest.mark.parametrize("wrong", [b"", b"x" * 5000, None])
def test_other_bytes_under_a_final_name_are_found(transfer, wrong):
    one = transfer("download_object")
    content = one.content[:4000] + b"?" if wrong is None else wrong
    write(one.workspace.destination, {one.first: content})
    (found,) = invariants.right_files(one)
    assert f"{len(content)} in place of 5000" in found


def test_a_file_that_nobody_asked_for_is_found(transfer):
    one = transfer("download_object")
    write(one.workspace.destination, {"other": b"1"})
    assert list(invariants.right_files(one)) == ["the file other has 1 bytes, and should not be there"]


def test_what_is_missing_after_a_success_is_found(transfer):
    one = transfer("download_payload", (10, 20))
    first, second = one.files
    write(one.workspace.destination, {first: one.files[first]})
    assert list(invariants.complete(one, ObjectsState(), "now")) == [f"the file {second} is not there now"]
    upload = TRANSFERS["upload_object"](replace(one.plan, kind=KINDS["upload_object"]), one.workspace)
    unfinished = StoredObject(finished=False, begun=True, content=upload.content)
    state = ObjectsState(**{"chaos/object.bin": unfinished})
    assert list(invariants.complete(upload, state, "now")) == ["chaos/object.bin is not in Taskcluster now"]


def test_other_bytes_and_other_names_in_taskcluster_are_found(transfer):
    one = transfer("upload_object")
    right = ObjectsState(**{"chaos/object.bin": finished(one.content)})
    assert list(invariants.right_objects(one, right)) == []
    wrong = ObjectsState(**{"chaos/object.bin": finished(one.content[:-1]), "chaos/twice": finished(one.content)})
    bytes_differ, twice = invariants.right_objects(one, wrong)
    assert "4999 in place of 5000" in bytes_differ
    assert "chaos/twice" in twice


def test_a_second_generation_of_parts_is_found(transfer):
    one = transfer("upload_parts", part_size=2500)
    first = {f"chaos/object.bin.part-a-{number}": finished(b"1") for number in range(2)}
    assert list(invariants.right_objects(one, ObjectsState(**first))) == []
    second = first | {"chaos/object.bin.part-b-0": finished(b"1")}
    assert len(list(invariants.right_objects(one, ObjectsState(**second)))) == 1


def test_an_error_that_is_not_ours_and_bytes_that_were_read_wrongly_are_found(transfer):
    one = transfer("read_file")
    assert list(invariants.right_outcome(one, Outcome("KeyError: 'x'", ours=False))) == [
        "an error that is not ours: KeyError: 'x'"
    ]
    right = {one.first: hashlib.sha256(one.content).hexdigest()}
    assert list(invariants.right_outcome(one, Outcome(read=right))) == []
    assert len(list(invariants.right_outcome(one, Outcome(read={one.first: "0"})))) == 1


def test_what_was_moved_again_is_found(transfer):
    one = transfer("upload_folder", (1 << 20, 1 << 20))
    assert list(invariants.resumed(one, kept=1 << 20, moved=1 << 20)) == []
    assert len(list(invariants.resumed(one, kept=1 << 20, moved=2 << 20))) == 1
    assert list(invariants.bounded(one, moved=3 << 20, incidents=1)) == []
    assert len(list(invariants.bounded(one, moved=4 << 20, incidents=1))) == 1


def test_what_is_left_on_the_disk_is_found_and_made_a_day_older(transfer):
    one = transfer("download_object")
    write(one.workspace.destination, {one.first: one.content})
    one.workspace.temporary.mkdir()
    (one.workspace.temporary / "taskcluster-1").touch()
    assert invariants.strays(one) == {"temporary/taskcluster-1"}
    invariants.make_older(one.workspace.disk)
    assert (one.workspace.temporary / "taskcluster-1").stat().st_mtime < time.time() - 24 * 3600


@pytest.mark.parametrize(
    "line",
    [
        "GET http://127.0.0.1:1/objects/1?X-Expires=1&X-Signature=0123456789abcdef",
        'Authorization: Hawk id="root", ts="1", mac="abc="',
        "GET /api/queue?bewit=cm9vdA",
        "token is the-token",
        "upload Yv6KJgxIQZeX1Zz1W2k3_w began",
        "Traceback: {\"accessToken\": 'x'}",
    ],
)
def test_secrets_in_the_output_are_found(transfer, line):
    workspace = transfer("download_object").workspace
    workspace.output.write_text("Going on with 'a' after 5 bytes\n")
    assert list(invariants.no_secrets(workspace, {"Yv6KJgxIQZeX1Zz1W2k3_w"})) == []
    workspace.output.write_text(f"{line}\n")
    assert len(list(invariants.no_secrets(workspace, {"Yv6KJgxIQZeX1Zz1W2k3_w"}))) == 1

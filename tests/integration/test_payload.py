"""A payload through the emulator: its files, names, and chunks."""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
import time
import tracemalloc

import pytest

from airflow_provider_taskcluster.emulator.store.faults import Corrupt, Cut, Headers, Status, WrongRange, ranged
from airflow_provider_taskcluster.emulator.worker import OCTETS, put
from airflow_provider_taskcluster.exceptions import (
    AmbiguousName,
    ArtifactError,
    HashMismatch,
    Interrupted,
    InvalidInput,
    NotAsAnnounced,
    NotFound,
    ReferenceRefused,
    StoreError,
    Truncated,
)
from airflow_provider_taskcluster.transfer.config import KIB, MIB

DATA = os.urandom(300_000)


@pytest.fixture
def trio(run):
    """Both case variants, an ambiguous trio, and one alone."""
    for name in ("public/a", "public/A", "one/Two", "ONE/TWO", "One/two", "public/build/Target.zip"):
        run.add(name, name.encode())
    return run


def test_files_tell_what_is_listed(hook, run):
    run.add("public/object", DATA, content_type="text/plain")
    run.add("public/s3", b"", storage_type="s3")
    run.add_link("public/link", "public/s3")
    run.add_error("public/error")
    run.add_reference("public/reference", "https://example.com/")
    found = {file.name: file for file in hook.open_payload(run.task_id).files()}
    assert {name: file.storage_type for name, file in found.items()} == {
        f"public/{kind}": kind for kind in ("object", "s3", "link", "error", "reference")
    }
    described = found["public/object"]
    assert (described.size, described.content_type, described.artifact) == (None, "text/plain", "public/object")
    assert described.expires.endswith("Z")
    assert (found["public/s3"].size, found["public/link"].size) == (0, None)


def test_files_come_from_all_pages_and_page_by_page(hook, run, tc):
    names = {f"public/{number:04}" for number in range(1005)}
    for name in names:
        tc.bulk.announce([run.task_id], name)
    payload = hook.open_payload(run.task_id)
    tc.journal.clear()
    files = payload.files()
    first = next(files)
    assert len(tc.journal.entries(path="/artifacts")) == 1
    assert {first.name, *(file.name for file in files)} == names


@pytest.mark.parametrize("prefix", ["public/build", "public/build/", "/public/build"])
def test_names_are_relative_to_the_root(hook, trio, prefix):
    trio.add("public/buildings/x", b"")
    payload = hook.open_payload(trio.task_id, prefix=prefix)
    (file,) = payload.files()
    assert (file.name, file.artifact) == ("Target.zip", "public/build/Target.zip")
    assert payload.resolve("/target.ZIP") == "Target.zip"
    assert [chunk for _, chunk in payload.chunks(["TARGET.zip"])] == [b"public/build/Target.zip"]


@pytest.mark.parametrize(
    ("wanted", "stored"),
    [
        ("/public/build/target.zip", "public/build/Target.zip"),
        ("public/a", "public/a"),
        ("public/A", "public/A"),
        ("One/two", "One/two"),
    ],
)
def test_the_stored_name_is_returned_and_its_bytes_are_those(hook, trio, wanted, stored):
    payload = hook.open_payload(trio.task_id)
    assert payload.resolve(wanted) == stored
    assert [(file.name, chunk) for file, chunk in payload.chunks([wanted])] == [(stored, stored.encode())]


def test_an_ambiguous_name_lists_all_and_downloads_nothing(hook, trio, tc, tmp_path):
    payload = hook.open_payload(trio.task_id)
    tc.journal.clear()
    for ask in (
        lambda: payload.resolve("one/two"),
        lambda: payload.chunks(["public/a", "one/two"]),
        lambda: payload.download(tmp_path / "folder", include=["public/a", "one/two"]),
    ):
        with pytest.raises(AmbiguousName) as caught:
            ask()
        assert set(caught.value.candidates) == {"one/Two", "ONE/TWO", "One/two"}
    assert not tc.journal.entries(origin="store")
    assert not tc.journal.entries(path="artifact-content")
    assert not (tmp_path / "folder").exists()


def test_a_name_that_is_not_there_names_the_nearest(hook, trio):
    payload = hook.open_payload(trio.task_id)
    for ask in (payload.resolve, lambda name: payload.chunks([name, "public/a"])):
        with pytest.raises(NotFound, match=r"nearest: 'public/build/Target\.zip'"):
            ask("public/build/Target.zi")
    with pytest.raises(NotFound, match="no artifact that fits"):
        payload.chunks(["nothing/*"])


def test_an_unknown_task_is_a_clear_error(hook):
    with pytest.raises(NotFound, match="fN1SbArXTPSVFNUvaOlinQ"):
        list(hook.open_payload("fN1SbArXTPSVFNUvaOlinQ").files())
    with pytest.raises(InvalidInput, match="is not a task ID"):
        hook.open_payload("nonsense")


def test_all_files_come_from_one_run(hook, worker):
    task_id = worker.create_task(retries=3)
    first = worker.claim(task_id)
    for name in ("public/a", "public/b"):
        first.add(name, b"first")
    payload = hook.open_payload(task_id)
    chunks = payload.chunks()
    assert next(chunks)[1] == b"first"
    first.exception("intermittent-task")
    second = worker.claim(task_id)
    second.add("public/b", b"second")
    assert next(chunks)[1] == b"first"
    assert [chunk for _, chunk in hook.open_payload(task_id).chunks()] == [b"second"]
    assert [chunk for _, chunk in hook.open_payload(task_id, 0).chunks(["public/b"])] == [b"first"]


@pytest.fixture
def secretive(tc):
    """The emulator where not everybody may ask for the status of tasks."""
    usual = tc.anonymous_scopes
    tc.anonymous_scopes = [scope for scope in usual if not scope.startswith("queue:status")]
    yield
    tc.anonymous_scopes = usual


def test_without_the_scope_to_know_its_number_the_latest_run_is_taken_as_it_is(holding, run, secretive, tmp_path):
    run.add("public/a", b"content", storage_type="s3")
    limited = holding("queue:list-artifacts:*", "queue:get-artifact:public/*")
    payload = limited.open_payload(run.task_id)
    assert [chunk for _, chunk in payload.chunks()] == [b"content"]
    assert payload.run_id is None
    for _ in range(2):  # nobody can tell whether it is the same run
        assert limited.open_payload(run.task_id).download(tmp_path).transferred == {"public/a"}


@pytest.mark.parametrize("storage_type", ["s3", "object"])
def test_chunks_are_in_order_and_every_file_has_one(hook, run, storage_type):
    contents = {"public/0": DATA, "public/1": b"", "public/2": DATA[:65536], "public/3": b"x"}
    for name, data in contents.items():
        run.add(name, data, storage_type=storage_type)
    found: dict[str, list[bytes]] = {}
    for file, chunk in hook.open_payload(run.task_id).chunks(chunk_size=65536):
        assert file.size == len(contents[file.name])
        found.setdefault(file.name, []).append(chunk)
    assert list(found) == list(contents)
    assert {name: b"".join(chunks) for name, chunks in found.items()} == contents
    assert [len(chunks) for chunks in found.values()] == [5, 1, 1, 1]


def test_gzip_is_decoded_and_links_are_followed(hook, run):
    run.add("public/g", DATA, storage_type="s3", gzipped=True)
    run.add_link("public/link", "public/g")
    found = list(hook.open_payload(run.task_id).chunks(chunk_size=MIB))
    assert [chunk for _, chunk in found] == [DATA, DATA]


@pytest.mark.parametrize("size", ["1000", 1000.0], ids=repr)
def test_the_size_of_a_chunk_may_be_text(hook, run, size):
    run.add("public/a", b"x" * 2500)
    chunks = hook.open_payload(run.task_id).chunks(chunk_size=size)
    assert [len(chunk) for _, chunk in chunks] == [1000, 1000, 500]
    with pytest.raises(InvalidInput, match="chunk_size is '1 KiB': pass a whole number, 1 or more"):
        hook.open_payload(run.task_id).chunks(chunk_size="1 KiB")


def test_nothing_is_asked_for_before_the_first_chunk_is_and_no_file_before_its_turn(hook, run, tc):
    for name in ("public/a", "public/b"):
        run.add(name, DATA, storage_type="s3")
    tc.journal.clear()
    chunks = hook.open_payload(run.task_id).chunks()
    assert not tc.journal.entries(path="artifact-content")
    next(chunks)
    assert len(tc.journal.entries(path="artifact-content")) == 1
    chunks.close()
    assert len(tc.journal.entries(origin="store", method="GET")) == 1


def test_a_first_answer_that_is_something_else_gives_no_chunk(connect, run, tc):
    hook = connect(extra={"max_retries": 0})
    run.add("public/a", DATA, storage_type="s3", content_type="text/plain")
    for fault, error in [
        (Status(404), StoreError),
        (Status(503), StoreError),
        (Headers({"Content-Type": "text/html"}), NotAsAnnounced),
    ]:
        tc.faults.clear()
        tc.faults.add(fault, method="GET")
        with pytest.raises(error):
            next(hook.open_payload(run.task_id).chunks(chunk_size=1000))


def test_a_size_that_was_not_announced_gives_no_chunk(hook, run):
    grant = run.announce("public/a", storage_type="s3", length=7)
    put(grant["putUrl"], DATA, {"Content-Type": OCTETS})
    with pytest.raises(NotAsAnnounced, match="announced with 7 bytes, and the store has 300000"):
        next(hook.open_payload(run.task_id).chunks())


@pytest.mark.parametrize("total", [7, 200_000, 999_999, "*"])
@pytest.mark.parametrize("storage_type", ["s3", "object"])
def test_one_wrong_total_of_a_range_is_asked_for_once_more(hook, run, tc, tmp_path, storage_type, total):
    run.add("public/a", DATA, storage_type=storage_type)
    payload = hook.open_payload(run.task_id)
    tc.faults.add(WrongRange(total=total), method="GET", when=ranged)
    payload.download(tmp_path / "folder")
    assert (tmp_path / "folder/public/a").read_bytes() == DATA
    tc.faults.clear()
    tc.faults.add(Cut(150_000), method="GET")
    tc.faults.add(WrongRange(total=total), method="GET", when=ranged)
    assert b"".join(chunk for _, chunk in payload.chunks(chunk_size=KIB)) == DATA


def test_a_total_that_stays_wrong_is_not_what_was_announced(connect, run, tc, tmp_path):
    hook = connect(extra={"max_retries": 0})
    grant = run.announce("public/a", storage_type="s3", length=7)
    put(grant["putUrl"], DATA, {"Content-Type": OCTETS})
    tc.journal.clear()
    with pytest.raises(NotAsAnnounced, match="announced with 7 bytes, and the store has 300000"):
        hook.open_payload(run.task_id).download(tmp_path)
    assert [entry.status for entry in tc.journal.entries(origin="store", method="GET")] == [206, 200]


def test_bytes_that_do_not_match_never_end_well(hook, run, tc):
    run.add("public/a", DATA)
    tc.faults.add(Corrupt(), method="GET")
    found = []
    with pytest.raises(HashMismatch):
        found.extend(hook.open_payload(run.task_id).chunks(chunk_size=100_000))
    assert len(found) == 2, "the last chunk waits for the verification"


def test_a_stream_that_is_cut_goes_on_where_it_was(hook, run, tc):
    run.add("public/a", DATA)
    tc.faults.add(Cut(150_000), method="GET")
    assert b"".join(chunk for _, chunk in hook.open_payload(run.task_id).chunks(chunk_size=KIB)) == DATA
    assert sum(entry.sent for entry in tc.journal.entries(origin="store", method="GET")) < len(DATA) + 70_000


def test_a_stream_that_stays_cut_is_an_error(connect, run, tc):
    hook = connect(extra={"max_retries": 0})
    run.add("public/a", DATA)
    tc.faults.add(Cut(150_000), method="GET")
    with pytest.raises(Truncated):
        list(hook.open_payload(run.task_id).chunks())


def test_what_cannot_be_streamed_says_why(hook, run):
    run.add_error("public/error", "the build left no file")
    run.add_reference("public/reference", f"{hook.settings.root_url}/api/queue/v1/ping")
    payload = hook.open_payload(run.task_id)
    with pytest.raises(ArtifactError, match="the build left no file"):
        next(payload.chunks("public/error"))
    with pytest.raises(ReferenceRefused):
        next(payload.chunks("public/reference"))
    allowed = hook.open_payload(run.task_id, allow_reference=True)
    assert b"alive" in next(allowed.chunks("public/reference"))[1]


def test_a_stream_ends_when_the_task_is_told_to_stop(connect, run):
    hook = connect()
    run.add("public/a", DATA)
    chunks = hook.open_payload(run.task_id).chunks(chunk_size=1000)
    next(chunks)
    threading.Timer(0.1, hook.stop).start()
    with pytest.raises(Interrupted):
        list(map(slowly, chunks))


def slowly(_chunk):
    time.sleep(0.01)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"prefix": 3}, "prefix is 3: pass a text, such as 'public/build'"),
        ({"include": ["a", ""]}, "include holds ['a', '']: pass names and patterns"),
        ({"if_exists": "skip"}, "if_exists is 'skip': pass one of 'verify', "),
    ],
)
def test_an_argument_that_cannot_be_is_refused(hook, run, tmp_path, arguments, sentence):
    run.add("public/a", b"a")
    with pytest.raises(InvalidInput, match=re.escape(sentence)):
        hook.open_payload(run.task_id, prefix=arguments.pop("prefix", "public")).download(tmp_path, **arguments)


def test_a_folder_in_the_place_of_a_file_counts_as_a_file_that_exists(hook, run, tmp_path):
    run.add("public/a", b"a")
    (tmp_path / "public" / "a").mkdir(parents=True)
    with pytest.raises(InvalidInput, match=r"a file of this name is there.*Nothing was fetched"):
        hook.open_payload(run.task_id).download(tmp_path, if_exists="fail")


def test_no_names_are_no_files_and_names_may_come_from_a_generator(hook, run):
    run.add("public/a", b"content")
    payload = hook.open_payload(run.task_id)
    assert list(payload.chunks([])) == []
    assert [chunk for _, chunk in payload.chunks(name for name in ["public/a"])] == [b"content"]
    assert list(hook.open_payload(run.task_id, prefix="nothing").chunks()) == []


def test_a_stream_is_checked_by_the_chain_of_trust(hook, run, tc):
    sums = {"public/a": {"sha256": hashlib.sha256(DATA).hexdigest()}, "public/b": {"sha256": "0" * 64}}
    for name in sums:
        run.add(name, DATA, storage_type="s3")
    run.add("public/chain-of-trust.json", json.dumps({"artifacts": sums}).encode(), storage_type="s3")
    tc.journal.clear()
    payload = hook.open_payload(run.task_id, verify="chain_of_trust")
    assert len(list(payload.chunks(["public/a", "public/chain-of-trust.json"]))) == 2
    with pytest.raises(HashMismatch):
        list(payload.chunks(["public/b"]))
    assert len(tc.journal.entries(path="chain-of-trust")) == 2, "once for all, once as one of the files"


@pytest.mark.parametrize("size", [0, -1, 1.5, "one", None])
def test_a_chunk_size_that_is_none_is_refused(hook, run, size):
    with pytest.raises(InvalidInput, match="chunk_size"):
        hook.open_payload(run.task_id).chunks(chunk_size=size)


@pytest.mark.parametrize("storage_type", ["s3", "object"])
def test_a_stream_holds_one_chunk(hook, run, storage_type):
    """Beside it, the buffers of the engine: 12 of 64 KiB."""
    size, chunk_size = 48 * MIB, 4 * MIB
    run.add("public/large", bytes(size), storage_type=storage_type)
    payload = hook.open_payload(run.task_id)
    list(payload.chunks(chunk_size=chunk_size))  # what is loaded and kept does not count
    tracemalloc.start()
    try:
        arrived = 0
        for _, chunk in payload.chunks(chunk_size=chunk_size):
            arrived += len(chunk)
            del chunk
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert arrived == size
    assert peak < chunk_size * 1.3 + 2 * MIB

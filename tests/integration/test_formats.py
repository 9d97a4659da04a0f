"""A rolling update: records and triggers of each earlier version are read, and what is written keeps its shape."""

from __future__ import annotations

import asyncio
import hashlib
import json
from datetime import UTC, datetime
from importlib import import_module

import pytest
from multipart_tries import Kept, Tries, sent
from written_formats import (
    ARTIFACTS,
    DOWNLOAD,
    FOLDER,
    OBJECT,
    ORIGIN,
    PATH,
    TASK,
    UPLOAD,
    WRITING,
    Writer,
    derived,
    read,
    shape,
    triggers,
    versions,
    write,
)

from airflow_provider_taskcluster.tasks.task_ids import stable_key
from airflow_provider_taskcluster.transfer.parts_manifest import from_json
from airflow_provider_taskcluster.transfer.payload.manifest import JOURNAL
from airflow_provider_taskcluster.transfer.upload.recorder import StateStoreRecorder, UploadRecord
from airflow_provider_taskcluster.waits.serialization import KINDS

EXPIRES = datetime(2100, 1, 1, tzinfo=UTC)
NEW_FOLDER = "the format has changed: keep the old folder, and add one (CONTRIBUTING.md, Formats)"

of_each_version = pytest.mark.parametrize("version", versions())


@pytest.fixture
def writer(connect, tc, worker, name, tmp_path):
    return Writer(connect, tc, worker, name, EXPIRES, tmp_path)


@pytest.mark.parametrize("format_", ["uploads", "parts_manifest", "download", "payload", "triggers", "derived"])
def test_what_is_written_has_the_shape_that_the_newest_folder_shows(writer, format_):
    made = {"triggers": triggers, "derived": lambda: derived(EXPIRES)}
    now = json.loads(json.dumps(made[format_]() if format_ in made else getattr(writer, format_)()))
    if WRITING:
        write(format_, now)
    newest = read(versions()[-1], format_)
    if format_ in made:
        assert now == newest, NEW_FOLDER
    elif format_ == "uploads":  # by names that are digests
        assert {kind: shape(list(now[kind].values())) for kind in now} == {
            kind: shape(list(newest[kind].values())) for kind in newest
        }, NEW_FOLDER
    else:
        assert shape(now) == shape(newest), NEW_FOLDER


@of_each_version
def test_ids_and_names_are_derived_as_before(version):
    assert derived(EXPIRES) == read(version, "derived")


@of_each_version
@pytest.mark.parametrize("kind", ["recorder", "task_state_store"])
def test_an_upload_goes_on_by_records_of_an_earlier_version(connect, tc, tmp_path, version, kind):
    """The part that the earlier version sent is found by its ids, which the recorded key derives."""
    folder, kept = tmp_path / "records", Kept()
    folder.mkdir()
    documents = [each for each in read(version, "uploads")[kind].values() if each["sha256"]]
    name = documents[0]["name"]
    place = {"folder": folder} if kind == "recorder" else {"kept": kept}
    tries = Tries(connect, name, EXPIRES, temporary=True, **place)
    source = tmp_path / "source"
    source.write_bytes(UPLOAD)
    for document in documents:
        here = {**document, "root_url": tc.root_url}  # the emulator's port is another one each time
        facts = {key: value for key, value in here.items() if key != "version"}
        slot = UploadRecord(**facts).slot
        (folder / f"{slot}.json").write_text(json.dumps(here))
        (folder / f"{slot}.json").chmod(0o600)
        kept.set(slot, here)
    tries.leave(source, [0])
    assert {json.loads(text).get("key") for text in tries.records} == {each["key"] for each in documents}
    assert {json.loads(text).get("part_size") for text in tries.records} == {each["part_size"] for each in documents}
    tc.journal.clear()
    tries.upload(source)
    assert sent(tc) == [1, 2, 3, 4]
    assert tries.content() == UPLOAD
    assert tries.records == []


@of_each_version
def test_records_are_found_under_the_names_of_an_earlier_version(version):
    kept = read(version, "uploads")
    for name, document in [*kept["recorder"].items(), *kept["task_state_store"].items()]:
        facts = {key: value for key, value in document.items() if key != "version"}
        assert UploadRecord(**facts).slot == name.removesuffix(".json")


@of_each_version
def test_a_task_keeps_the_key_that_an_earlier_version_kept_in_the_state_store(version):
    kept, documents = Kept(), read(version, "uploads")["task_state_store"]
    for slot, document in documents.items():
        kept.set(slot, document)
    key = stable_key(None, ORIGIN, StateStoreRecorder(kept), EXPIRES)
    assert key in [document["key"] for document in documents.values() if not document["sha256"]]


@of_each_version
def test_a_download_goes_on_by_the_checkpoint_of_an_earlier_version(hook, tc, tmp_path, version):
    found = read(version, "download")
    offset = found["document"]["offset"]
    hook.upload_object(DOWNLOAD, found["object"], expires=EXPIRES)
    blob = tc.store.blobs.open(tc.store.blobs.path("objects", found["object"]))
    blob.file.close()
    found["document"]["facts"]["etag"] = blob.etag  # the emulator gives each upload another one
    checkpoint = tmp_path / found["file"]
    beside = {checkpoint: json.dumps(found["document"]).encode(), checkpoint.with_suffix(".part"): DOWNLOAD[:offset]}
    for path, content in beside.items():
        path.write_bytes(content)
        path.chmod(0o600)
    tc.journal.clear()
    hook.download_object(found["object"], tmp_path / "copy", connections=1)
    assert (tmp_path / "copy").read_bytes() == DOWNLOAD
    assert sum(entry.sent for entry in tc.journal.entries(origin="store", method="GET")) == len(DOWNLOAD) - offset


@of_each_version
@pytest.mark.parametrize("kind", ["journal", "manifest"])
def test_a_payload_goes_on_by_what_an_earlier_version_wrote_down(hook, worker, tc, tmp_path, version, kind):
    found = read(version, "payload")[kind]
    entries = found if kind == "journal" else [found]
    files = [entry["file"] for entry in entries] if kind == "journal" else found["files"]
    task_id = entries[0]["task_id"]
    run = worker.claim(worker.create_task(task_id))
    for name, content in ARTIFACTS.items():
        run.add(name, content)
    for name in [file["name"] for file in files]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(ARTIFACTS[name])
    record = tmp_path / (JOURNAL if kind == "journal" else "taskcluster-payload.json")
    record.write_text("\n".join(map(json.dumps, entries)))
    record.chmod(0o600)
    result = hook.open_payload(task_id).download(tmp_path)
    assert set(result.transferred) == ARTIFACTS.keys() - {file["name"] for file in files}
    assert {name: (tmp_path / name).read_bytes() for name in ARTIFACTS} == ARTIFACTS


@pytest.mark.parametrize("version", versions("parts_manifest"))
def test_an_object_in_parts_of_an_earlier_version_is_read(version):
    found = read(version, "parts_manifest")
    manifest = from_json(json.dumps(found["document"]).encode(), found["object"])
    assert manifest.size == len(UPLOAD)
    assert manifest.sha256 == hashlib.sha256(UPLOAD).hexdigest()
    offsets = [(part.offset, part.size) for part in manifest.parts]
    assert [part.sha256 for part in manifest.parts] == [
        hashlib.sha256(UPLOAD[offset : offset + size]).hexdigest() for offset, size in offsets
    ]


@pytest.fixture
def awaited(connect, worker, tc):
    """What the triggers wait for: a task with artifacts, sealed in its group, and at an index path; and an object."""
    hook = connect()
    hook.upload_object(b"x", OBJECT, expires=EXPIRES)
    run = worker.claim(worker.create_task(TASK, routes=[f"index.{PATH}"]))
    for name, content in ARTIFACTS.items():
        run.add(name, content, storage_type="s3")
    run.complete()
    hook.seal_task_group(TASK)


@of_each_version
def test_every_trigger_of_an_earlier_version_is_made_and_runs_to_its_event(awaited, version):
    events = {}
    for number, (path, options) in enumerate(read(version, "triggers")):
        module, _, name = path.rpartition(".")
        trigger = getattr(import_module(module), name)(**options)
        assert trigger.serialize() == (path, options), "another triggerer takes it over unchanged"
        events[number, name] = asyncio.run(first_event(trigger))
    assert [event for event in events.items() if event[1].get("outcome", "found") != "found"] == []


async def first_event(trigger):
    async with asyncio.timeout(30):
        running = trigger.run()
        try:
            return (await anext(running)).payload
        finally:
            await running.aclose()


def test_the_newest_folder_has_every_trigger_and_every_kind_of_wait():
    kept = read(versions()[-1], "triggers")
    waits = {options["wait"]["kind"] for _, options in kept if "wait" in options}
    assert waits == set(KINDS)
    assert {path for path, _ in kept} == set(all_triggers())


def all_triggers():
    """Paths of the triggers that can be made."""
    for module in ("events", "run_trigger", "waits"):
        path = f"airflow_provider_taskcluster.triggers.{module}"
        kinds = [kind for kind in vars(import_module(path)).values() if isinstance(kind, type)]
        made = [kind for kind in kinds if kind.__module__ == path and not getattr(kind, "__abstractmethods__", ())]
        yield from (f"{path}.{kind.__name__}" for kind in made)


def test_the_folders_have_no_secrets_and_are_small():
    files = [file for file in FOLDER.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) < 100_000
    assert [file for file in files if "signature" in file.read_text() or "/work/" in file.read_text()] == []

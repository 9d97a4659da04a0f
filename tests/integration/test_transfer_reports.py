"""The log line at the end of each transfer, and the name of an object artifact in it."""

from __future__ import annotations

import io
import logging
import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from airflow_provider_taskcluster.exceptions import NotVerifiable, TooLarge
from airflow_provider_taskcluster.operators.artifact_uploads import TaskclusterUploadArtifactOperator
from airflow_provider_taskcluster.operators.artifacts import TaskclusterDownloadArtifactOperator
from airflow_provider_taskcluster.operators.folders import TaskclusterUploadFolderOperator
from airflow_provider_taskcluster.operators.objects import (
    TaskclusterDownloadObjectOperator,
    TaskclusterUploadObjectOperator,
)
from airflow_provider_taskcluster.operators.payloads import TaskclusterDownloadPayloadOperator
from airflow_provider_taskcluster.transfer import progress
from airflow_provider_taskcluster.transfer.sink.base import MemorySink

DATA = b"x" * 1000
FIGURES = r"in \d+\.\d s \(\d+\.\d MB/s\)"
BY_HASHES = "verified by sha256[+]sha512"


@pytest.fixture
def lines(caplog):
    """The lines about transfers since the last look."""
    caplog.set_level(logging.INFO)

    def lines():
        found = [record.getMessage() for record in caplog.records]
        caplog.clear()
        return [line for line in found if re.match("(Downloaded|Uploaded|Read) ", line)]

    lines()
    return lines


def is_line(lines, pattern):
    [line] = lines()
    assert re.fullmatch(pattern, line), line
    return True


def test_of_an_object(hook, tc, name, expires, tmp_path, lines):
    (tmp_path / "source").write_bytes(DATA)
    hook.upload_object(tmp_path / "source", name, expires=expires)
    at = f"object '{name}' at {tc.root_url}"
    assert is_line(lines, f"Uploaded '{tmp_path}/source' to {at}: 1000 bytes {FIGURES}, {BY_HASHES}")
    for source, what in (
        (DATA, "memory"),
        (io.BytesIO(DATA), "an open file"),
        (lambda: io.BytesIO(DATA), "a function"),
    ):
        hook.upload_object(source, name, expires=expires)
        assert is_line(lines, f"Uploaded {what} to {at}: 1000 bytes, there already, verified by sha256")
    from_ = f"Downloaded object '{name}' from {tc.root_url} to"
    for destination, where in (
        (tmp_path / "copy", f"'{tmp_path}/copy'"),
        (f"file://{tmp_path}/url", f"'(file://)?{tmp_path}/url'"),
        (MemorySink(), "memory"),
        (io.BytesIO(), "an open file"),
        (lambda: io.BytesIO(), "a function"),  # noqa: PLW0108 (a class is taken for a file)
    ):
        hook.download_object(name, destination)
        assert is_line(lines, f"{from_} {where}: 1000 bytes {FIGURES}, {BY_HASHES}")
    hook.read_object(name)
    assert is_line(lines, f"{from_} memory: 1000 bytes {FIGURES}, {BY_HASHES}")


def test_of_an_object_in_parts_and_of_one_without_sums(hook, name, expires, tmp_path, lines):
    hook.upload_object(DATA, name, expires=expires, multipart="always", part_size=400)
    assert is_line(lines, f"Uploaded memory to object .*: 1000 bytes {FIGURES}, verified by sha256")
    hook.download_object(name, tmp_path / "copy")
    assert is_line(lines, f"Downloaded object .*: 1000 bytes {FIGURES}, verified by sha256")


@pytest.mark.parametrize(("storage_type", "verified"), [("object", BY_HASHES), ("s3", "verified by length")])
def test_of_an_artifact(hook, tc, run, expires, tmp_path, lines, storage_type, verified):
    hook.upload_artifact(DATA, run.task_id, run.run_id, "public/a", expires=expires, storage_type=storage_type)
    what = f"artifact 'public/a' of run 0 of task {run.task_id} at {tc.root_url}"
    assert is_line(lines, f"Uploaded memory to {what}: 1000 bytes {FIGURES}, {verified}")
    hook.download_artifact(run.task_id, "public/a", tmp_path / "copy")
    what = rf"artifact 'public/a' of task {run.task_id} \(latest run\) from {tc.root_url}"
    assert is_line(lines, f"Downloaded {what} to '{tmp_path}/copy': 1000 bytes {FIGURES}, {verified}")
    hook.read_artifact(run.task_id, "public/a", 0)
    assert is_line(lines, r"Downloaded artifact .* \(run 0\) .* to memory: 1000 bytes .*")


def test_of_a_folder_and_of_a_payload_there_is_one_line(hook, tc, name, run, expires, tmp_path, lines):
    (tmp_path / "up").mkdir()
    for file in "abc":
        (tmp_path / "up" / file).write_bytes(DATA)
    for there, size in ((0, 3000), (3, 0)):
        hook.upload_folder(tmp_path / "up", name, expires=expires)
        what = f"folder '{tmp_path}/up' to objects under '{name}/' at {tc.root_url}: 3 files"
        assert is_line(lines, f"Uploaded {what}, {there} of them there already; {size} bytes {FIGURES}, verified by .*")
    run.add("public/a", DATA, storage_type="s3")
    run.add("public/b", DATA, storage_type="object")
    for fetched in (2, 0):
        hook.open_payload(run.task_id).download(tmp_path / "down")
        what = (
            f"payload of task {run.task_id}, run 0, from {tc.root_url} to '{tmp_path}/down': 2 files, {fetched} of them"
        )
        figures = f"fetched now, 0 failed; {fetched}(000)? bytes {FIGURES}, 1 verified by .*, 1 verified by .*"
        assert is_line(lines, f"Downloaded {what} {figures}; see '{tmp_path}/down/taskcluster-payload.json'")


def test_of_an_opened_file_it_comes_when_that_is_closed(hook, tc, name, run, expires, lines):
    hook.upload_object(DATA, name, expires=expires)
    lines()
    what = f"Read object '{name}' from {tc.root_url}"
    with hook.open_object(name) as file:
        assert file.read() == DATA
        assert lines() == []
    assert is_line(lines, f"{what}: 1000 bytes {FIGURES}, {BY_HASHES}")
    file.close()
    assert lines() == []
    with hook.open_object(name) as file:
        file.read(10)  # all of it came with the first request, and was verified
    assert is_line(lines, f"{what}: 10 bytes {FIGURES} of 1000, closed before all was read, {BY_HASHES}")
    with hook.open_object(name) as file:
        file.seek(900)
        file.read()
    assert is_line(lines, f"{what}: 100 bytes {FIGURES} of 1000, closed before all was read, not verified")
    for gzipped in (False, True):
        run.add(f"public/{gzipped}", DATA, storage_type="s3", gzipped=gzipped)
        with hook.open_artifact(run.task_id, f"public/{gzipped}", 0) as file:
            file.read()
        what = rf"artifact 'public/{gzipped}' of task {run.task_id} \(run 0\) from {tc.root_url}"
        assert is_line(lines, f"Read {what}: 1000 bytes {FIGURES}, verified by length")


def test_of_a_file_of_the_filesystem_there_is_one(hook, filesystem, name, expires, lines):
    hook.upload_object(DATA, name, expires=expires)
    lines()
    with filesystem().open(f"taskcluster://tc_test@objects/{name}") as file:
        file.read()
    assert is_line(lines, f"Read object '{name}' .*: 1000 bytes {FIGURES}, {BY_HASHES}")


def test_of_a_stream_it_comes_at_its_end(hook, tc, run, lines):
    run.add("public/a", DATA, storage_type="s3")
    run.add("public/b", DATA, storage_type="object")
    payload = hook.open_payload(run.task_id)
    what = f"Read payload of task {run.task_id}, run 0, from {tc.root_url}"
    assert sum(len(chunk) for _, chunk in payload.chunks(chunk_size=300)) == 2000
    assert is_line(lines, f"{what}: 2 files; 2000 bytes {FIGURES}, 1 verified by .*, 1 verified by .*")
    stream = payload.chunks(chunk_size=300)
    next(stream)
    stream.close()
    early = "0 of 2 files, closed before all was read"
    assert is_line(lines, f"{what}: {early}; 300 bytes {FIGURES}, nothing to verify")


def test_of_operators_there_is_no_other(hook, name, run, tmp_path, lines):
    (tmp_path / "up").mkdir()
    (tmp_path / "up" / "a").write_bytes(DATA)
    usual = {"task_id": "task", "taskcluster_conn_id": "tc_test"}
    terms = {**usual, "expires": timedelta(days=1)}
    of_task = {"taskcluster_task_id": run.task_id}
    context = {"dag_run": SimpleNamespace(start_date=datetime.now(UTC))}
    for operator in (
        TaskclusterUploadObjectOperator(**terms, name=name, data="x"),
        TaskclusterUploadFolderOperator(**terms, folder=str(tmp_path / "up"), prefix=f"{name}/"),
        TaskclusterUploadArtifactOperator(**terms, **of_task, run_id=0, name="public/a", data="x"),
        TaskclusterDownloadObjectOperator(**usual, name=name, destination=str(tmp_path / "o")),
        TaskclusterDownloadArtifactOperator(**usual, **of_task, name="public/a", destination=str(tmp_path / "a")),
        TaskclusterDownloadPayloadOperator(**usual, **of_task, destination=str(tmp_path / "p")),
    ):
        operator.execute(context)
        [line] = lines()
        assert "verified by" in line


def test_an_object_artifact_goes_by_its_own_name(hook, run, expires, tmp_path, caplog, monkeypatch):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(progress.Reporter, "advance", lambda self, _: progress.log.info("%s", self.now()))
    seen = []
    hook.upload_artifact(
        DATA, run.task_id, run.run_id, "public/a", expires=expires, on_progress=lambda now: seen.append(now.name)
    )
    hook.download_artifact(
        run.task_id, "public/a", tmp_path / "copy", on_progress=lambda now: seen.append(now.name), connections=1
    )
    assert set(seen) == {"public/a"}
    told = [record.getMessage() for record in caplog.records if ", attempt " in record.getMessage()]
    assert told
    assert all(line.startswith("'public/a': ") for line in told)
    with pytest.raises(TooLarge, match="'public/a' has more than the 10 bytes allowed: raise max_bytes"):
        hook.download_artifact(run.task_id, "public/a", tmp_path / "small", max_bytes=10)
    with pytest.raises(TooLarge, match="raise max_bytes"):
        hook.read_artifact(run.task_id, "public/a", max_bytes=10)


def test_one_without_sums_does_too(hook, run, tc, tmp_path, monkeypatch):
    run.add("public/a", DATA, storage_type="object")
    monkeypatch.setattr("airflow_provider_taskcluster.transfer.hashing.digests.ACCEPTABLE", ("none",))
    with pytest.raises(NotVerifiable, match=r"^'public/a' has no sha256"):
        hook.download_artifact(run.task_id, "public/a", tmp_path / "copy")

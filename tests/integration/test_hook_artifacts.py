"""Artifacts through the hook: every storage type, pages, names, runs."""

from __future__ import annotations

import hashlib
import os
import zlib

import pytest

from airflow_provider_taskcluster.exceptions import (
    ArtifactError,
    InsufficientScopes,
    InvalidInput,
    InvalidName,
    NotFound,
    ReferenceRefused,
    StoreError,
    TooLarge,
)
from airflow_provider_taskcluster.transfer.sink.base import MemorySink

DATA = os.urandom(500_000)


@pytest.fixture
def anonymous(connect):
    return connect("tc_anonymous", login=None, password=None)


@pytest.mark.parametrize(
    ("how", "method", "verified"),
    [
        ({"storage_type": "object"}, "getUrl", "sha256+sha512"),
        ({"storage_type": "s3"}, "s3", "length"),
        ({"storage_type": "s3", "gzipped": True}, "s3", "length"),
    ],
    ids=["object", "s3", "s3 gzip"],
)
@pytest.mark.parametrize("data", [DATA, b""], ids=["large", "empty"])
def test_bytes_arrive_whatever_the_storage_type(anonymous, run, tmp_path, how, method, verified, data):
    run.add("public/a.bin", data, **how)
    result = anonymous.download_artifact(run.task_id, "public/a.bin", tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == data
    assert (result.name, result.method, result.verified) == ("public/a.bin", method, verified)


@pytest.mark.parametrize("how", [{}, {"gzipped": True}], ids=["identity", "gzip"])
def test_what_nobody_hashes_arrives_whole_however_large(hook, run, tmp_path, how):
    run.add("public/large", DATA * 60, storage_type="s3", **how)
    result = hook.download_artifact(run.task_id, "public/large", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == DATA * 60
    assert (result.verified, result.digests) == ("length", {})


def test_digests_are_computed_where_nobody_names_them_if_asked(hook, run, tmp_path):
    run.add("public/a", DATA, storage_type="s3")
    result = hook.download_artifact(run.task_id, "public/a", tmp_path / "file", digests=["sha256", "md5"])
    assert result.verified == "length"
    assert result.digests == {name: hashlib.new(name, DATA).hexdigest() for name in ("sha256", "md5")}


def test_a_digest_that_does_not_exist_is_refused(hook, run, tmp_path):
    run.add("public/a", DATA, storage_type="s3")
    with pytest.raises(InvalidInput, match="'sha257' is not a known digest"):
        hook.download_artifact(run.task_id, "public/a", tmp_path / "file", digests=["sha257"])


def test_a_small_gzip_with_a_huge_content_does_not_fill_memory(anonymous, run):
    run.add("public/zeros", bytes(200_000_000), storage_type="s3", gzipped=True)
    with pytest.raises(TooLarge):
        anonymous.read_artifact(run.task_id, "public/zeros", max_bytes=1_000_000)


def test_the_limit_is_one_of_the_content_not_of_how_it_is_sent(hook, run, tmp_path):
    """Gzip makes a short content longer."""
    run.add("public/g", b"hello", storage_type="s3", gzipped=True)
    hook.download_artifact(run.task_id, "public/g", tmp_path / "g", max_bytes=5)
    assert (tmp_path / "g").read_bytes() == b"hello"
    with pytest.raises(TooLarge, match="4 bytes allowed"):
        hook.download_artifact(run.task_id, "public/g", tmp_path / "g", max_bytes=4)


def test_a_link_is_followed_and_each_name_on_the_way_needs_its_scope(anonymous, hook, run):
    run.add("private/a.bin", DATA)
    run.add_link("public/link", "private/a.bin")
    assert hook.read_artifact(run.task_id, "public/link") == DATA
    with pytest.raises(InsufficientScopes, match=r"queue:get-artifact:private/a\.bin"):
        anonymous.read_artifact(run.task_id, "public/link")


def test_an_error_artifact_raises_its_reason_and_message(anonymous, run):
    run.add_error("public/e", "the build left no file", reason="file-missing-on-worker")
    with pytest.raises(ArtifactError, match="file-missing-on-worker: the build left no file") as caught:
        anonymous.read_artifact(run.task_id, "public/e")
    assert caught.value.reason == "file-missing-on-worker"


def test_a_reference_is_fetched_only_when_allowed(anonymous, run, tc):
    run.add_reference("public/r", f"{tc.root_url}/api/queue/v1/ping")
    with pytest.raises(ReferenceRefused, match="allow_reference=True"):
        anonymous.read_artifact(run.task_id, "public/r")
    assert b"alive" in anonymous.read_artifact(run.task_id, "public/r", allow_reference=True)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.com/x", "gopher://example.com/"])
def test_a_reference_to_another_scheme_is_refused_even_when_allowed(anonymous, run, url):
    run.add_reference("public/r", url)
    with pytest.raises(ReferenceRefused, match="only http and https"):
        anonymous.read_artifact(run.task_id, "public/r", allow_reference=True)


def test_a_reference_sends_no_credentials(hook, run, tc):
    """The reference points at an API of ours that tells who calls."""
    run.add_reference("public/r", f"{tc.root_url}/api/auth/v1/scopes/current")
    with pytest.raises(StoreError, match="403"):
        hook.read_artifact(run.task_id, "public/r", allow_reference=True)


def test_odd_names_of_object_artifacts_go_by_redirect_without_a_hash(hook, run, caplog):
    run.add("public/odd name (1).bin", DATA)
    result = hook.download_artifact(run.task_id, "public/odd name (1).bin", MemorySink())
    assert (result.content, result.method, result.verified) == (DATA, "redirect", "length")
    assert "without a hash" in caplog.text


def test_run_id_none_is_the_latest_run(hook, worker):
    task_id = worker.create_task(retries=3)
    first = worker.claim(task_id)
    first.add("public/a", b"first")
    first.exception("intermittent-task")
    with pytest.raises(NotFound):
        hook.read_artifact(task_id, "public/a")
    second = worker.claim(task_id)
    second.add("public/a", b"second")
    assert hook.read_artifact(task_id, "public/a") == b"second"
    assert hook.read_artifact(task_id, "public/a", run_id=0) == b"first"
    second.add("public/b", b"second", storage_type="s3")
    assert hook.artifact_info(task_id, "public/b")["contentLength"] == 6
    with pytest.raises(NotFound):
        hook.artifact_info(task_id, "public/b", run_id=0)
    assert [info["name"] for info in hook.list_artifacts(task_id)] == ["public/a", "public/b"]
    assert [info["name"] for info in hook.list_artifacts(task_id, 0)] == ["public/a"]


def test_all_pages_are_listed(hook, run, tc):
    names = {f"public/{number:04}" for number in range(1005)}
    for name in names:
        tc.bulk.announce([run.task_id], name)
    assert {info["name"] for info in hook.list_artifacts(run.task_id)} == names


def test_what_is_listed_need_not_be_present(hook, run):
    run.announce("public/later")
    assert [info["name"] for info in hook.list_artifacts(run.task_id)] == ["public/later"]
    with pytest.raises(NotFound):
        hook.artifact_info(run.task_id, "public/later")


def test_an_s3_artifact_that_is_announced_but_not_stored_is_a_clear_error(hook, run, tmp_path):
    run.announce("public/later", storage_type="s3")
    with pytest.raises(StoreError, match=r"the store answered 40[34]"):
        hook.download_artifact(run.task_id, "public/later", tmp_path / "later")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("bad", ["", "public/../secret", "a\nb", "x" * 1025])
def test_names_that_cannot_work_are_refused_before_anything_is_sent(hook, bad, tc):
    for call in (hook.read_artifact, hook.artifact_info):
        with pytest.raises(InvalidName):
            call("fN1SbArXTPSVFNUvaOlinQ", bad)
    assert not list(tc.journal)


def test_a_task_id_that_is_none_is_refused_before_anything_is_sent(hook, tc):
    for call in (hook.read_artifact, hook.artifact_info):
        with pytest.raises(InvalidInput, match="is not a task ID"):
            call("my-task", "public/a")
    with pytest.raises(InvalidInput, match="is not a task ID"):
        hook.list_artifacts("my-task")
    assert not list(tc.journal)


def test_no_such_task_is_a_clear_error(hook):
    with pytest.raises(NotFound, match=r"queue\.latestArtifact 'fN1SbArXTPSVFNUvaOlinQ' 'public/a'"):
        hook.read_artifact("fN1SbArXTPSVFNUvaOlinQ", "public/a")


def test_a_gzip_body_is_the_encoded_content(anonymous, run, tc):
    """Guards the test above: the emulator really sends gzip."""
    run.add("public/g", DATA, storage_type="s3", gzipped=True)
    tc.journal.clear()
    anonymous.read_artifact(run.task_id, "public/g")
    (entry,) = tc.journal.entries(origin="store", method="GET")
    assert entry.sent != len(DATA)
    assert entry.sent >= len(zlib.compress(DATA)) - 100

"""Uploads that fail, and how they are sent."""

from __future__ import annotations

import io
import os
import threading
import time

import pytest

from airflow_provider_taskcluster.emulator.store.faults import Refuse, Stall, Status
from airflow_provider_taskcluster.exceptions import (
    AuthenticationFailed,
    Conflict,
    Interrupted,
    ServiceUnavailable,
    StoreError,
)
from airflow_provider_taskcluster.hooks.sync_services import EngineServices

DATA = os.urandom(8_000_000)


def puts(tc):
    return tc.journal.entries(origin="store", method="PUT")


def test_the_body_is_sent_with_its_exact_length_and_never_chunked(hook, name, expires, tc):
    hook.upload_object(lambda: io.BytesIO(DATA), name, expires=expires)
    (entry,) = puts(tc)
    assert entry.headers["content-length"] == str(len(DATA))
    assert "transfer-encoding" not in entry.headers
    assert entry.headers["content-encoding"] == "identity"


def test_the_hashes_are_bound_before_the_first_byte_is_sent(hook, name, expires, monkeypatch):
    requests = []
    create, finish = EngineServices.create_upload, EngineServices.finish_upload

    def created(self, name, request):
        requests.append(request)
        return create(self, name, request)

    def finished(self, name, request):
        requests.append(request)
        return finish(self, name, request)

    monkeypatch.setattr(EngineServices, "create_upload", created)
    monkeypatch.setattr(EngineServices, "finish_upload", finished)
    digests = hook.upload_object(DATA, name, expires=expires).digests
    assert requests[0]["hashes"] == {"sha256": digests["sha256"]}
    assert requests[1]["hashes"] == digests
    assert set(hook.object_metadata(name)["hashes"]) == {"sha256", "sha512"}


@pytest.mark.parametrize("status", [403, 413])
def test_an_early_refusal_is_read_and_shown_instead_of_a_broken_pipe(connect, name, expires, tc, status):
    body = b"<Error><Code>Refused</Code><Message>not this one</Message></Error>"
    tc.faults.add(Refuse(status, after=100_000, body=body), method="PUT", times=9)
    with pytest.raises(StoreError, match=rf"the store answered {status} \(Refused: not this one\)"):
        connect(extra={"max_retries": 1}).upload_object(DATA, name, expires=expires)


def test_an_upload_that_stalls_is_sent_again_after_the_read_timeout(connect, name, expires, tc):
    """Not after the connect time-out, which is shorter here."""
    tc.faults.add(Stall(), method="PUT")
    hook = connect(extra={"connect_timeout": 0.1, "read_timeout": 0.6})
    started = time.monotonic()
    assert hook.upload_object(DATA, name, expires=expires).attempts == 2
    assert time.monotonic() - started >= 0.6
    assert hook.read_object(name) == DATA


def test_an_upload_whose_url_ran_out_is_sent_with_a_new_one_from_a_fresh_reader(hook, name, expires, tc):
    class Late:
        async def answer(self, exchange):
            tc.clock.advance(hours=1)
            await Status(503).answer(exchange)

    readers = []
    tc.faults.add(Late(), method="PUT")
    hook.upload_object(lambda: readers.append(io.BytesIO(DATA)) or readers[-1], name, expires=expires)
    assert len(tc.journal.entries(path="/upload/")) == 2
    assert [entry.status for entry in puts(tc)][-1] == 200
    assert len(readers) >= 3
    assert all(reader.closed for reader in readers)


def test_a_task_that_is_told_to_stop_ends_its_upload(connect, name, expires, tc):
    hook = connect()

    class Slow(io.BytesIO):
        def read(self, size=-1):
            time.sleep(0.05)
            return super().read(min(size, 100_000))

    threading.Timer(1.0, hook.stop).start()
    started = time.monotonic()
    with pytest.raises(Interrupted, match="told to stop"):
        hook.upload_object(lambda: Slow(DATA) if tc.journal.entries(path="/upload/") else io.BytesIO(DATA), name,
                           expires=expires)  # fmt: skip
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("multipart", ["never", "always"])
def test_a_task_that_is_told_to_stop_does_not_read_its_source_through(connect, name, expires, tmp_path, multipart):
    """Neither to find out its length and sums nor to send it."""
    hook = connect()
    (tmp_path / "source").write_bytes(DATA)

    class Told(io.FileIO):
        reads = 0

        def read(self, size=-1):
            Told.reads += 1
            if Told.reads == 2:
                hook.stop()
            return super().read(size)

    with pytest.raises(Interrupted, match="told to stop"), Told(tmp_path / "source") as source:
        hook.upload_object(source, name, expires=expires, multipart=multipart)
    assert Told.reads == 2


@pytest.mark.parametrize(("error", "status"), [(ServiceUnavailable, 503), (AuthenticationFailed, 401)])
def test_an_outage_while_asking_whether_it_is_finished_is_not_taken_for_a_conflict(
    hook, name, expires, monkeypatch, error, status
):
    hook.upload_object(DATA, name, expires=expires)

    def out(*_):
        raise error("out of order", status=status)

    monkeypatch.setattr(EngineServices, "finish_upload", out)
    with pytest.raises(error):
        hook.upload_object(DATA, name, expires=expires)


def test_an_upload_of_somebody_else_is_a_conflict(connect, name, expires):
    connect(extra={"upload_secret": "theirs"}).create_upload(
        name, upload_id="fN1SbArXTPSVFNUvaOlinQ", expires=expires, project_id="tests"
    )
    with pytest.raises(Conflict, match="or of somebody else,"):
        connect().upload_object(DATA, name, expires=expires)


def test_progress_of_an_upload_is_told(hook, name, expires, monkeypatch):
    from airflow_provider_taskcluster.transfer.progress import Reporter

    monkeypatch.setattr(
        "airflow_provider_taskcluster.transfer.upload.object.Reporter",
        lambda name, _seconds, listener: Reporter(name, 0, listener),
    )
    seen = []
    hook.upload_object(DATA, name, expires=expires, on_progress=seen.append)
    assert (seen[-1].done, seen[-1].total) == (len(DATA), len(DATA))
    assert len(seen) > 2


def test_a_forked_child_has_connections_of_its_own(hook, name, expires, tc):
    """It inherits the hook; the parent's connection stays the parent's."""
    hook.upload_object(DATA, name, expires=expires)
    assert hook.read_object(name) == DATA
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if all(hook.read_object(name) == DATA for _ in range(3)) else 2
        finally:
            os._exit(status)
    assert all(hook.read_object(name) == DATA for _ in range(3))
    assert os.waitpid(child, 0)[1] == 0
    connections = [entry.connection for entry in tc.journal.entries(origin="store", method="GET")]
    assert len(set(connections)) == 2


def test_small_uploads_are_two_calls_each_on_one_kept_connection(hook, name, expires, tc):
    names = [name, f"{name}-2"]
    with tc.journal.recording() as requests:
        for each in names:
            hook.upload_object(b"small", each, expires=expires)
    sent = [(request.method, request.path.split("/")[4]) for request in requests]
    assert sent == [("PUT", "upload"), ("POST", "finish-upload")] * 2
    assert len({request.connection for request in requests}) == 1

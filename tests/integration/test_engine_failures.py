"""Transfers that fail, over real sockets: retries, errors, and files left behind."""

from __future__ import annotations

import io
import os
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from airflow_provider_taskcluster.emulator.store.faults import Both, Corrupt, Cut, Ignore, NoLength, Redirect, Status
from airflow_provider_taskcluster.exceptions import (
    ConnectionFailed,
    DestinationError,
    HashMismatch,
    ServiceError,
    ServiceUnavailable,
    StoreError,
    Truncated,
)
from airflow_provider_taskcluster.transfer.sink.base import MemorySink

DATA = os.urandom(2_500_000)


@pytest.fixture
def stored(hook, name, expires, tc):
    """The name of an uploaded object, with an empty journal."""
    hook.upload_object(DATA, name, expires=expires)
    tc.journal.clear()
    return name


@pytest.fixture
def s3_artifact(run, tc):
    run.add("public/a", DATA, storage_type="s3")
    tc.journal.clear()
    return run.task_id, "public/a"


def gets(tc):
    return tc.journal.entries(origin="store", method="GET")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_download_is_tried_again_after_an_answer_that_may_pass(hook, stored, tc, status, tmp_path):
    tc.faults.add(Status(status), method="GET", times=2)
    result = hook.download_object(stored, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == DATA
    assert result.attempts == 3
    assert [entry.status for entry in gets(tc)] == [status, status, 206]


@pytest.mark.parametrize("fault", [Cut(0), Cut(1), Cut(1_000_000), Cut(len(DATA) - 1)], ids=str)
def test_a_cut_body_is_fetched_again(hook, stored, tc, tmp_path, fault):
    tc.faults.add(fault, method="GET")
    result = hook.download_object(stored, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == DATA
    assert result.attempts == 2


def test_a_writer_is_fresh_for_each_try_and_only_the_last_is_closed(hook, stored, tc):
    class Writer(io.BytesIO):
        ended = None

        def close(self):
            self.ended = "closed"

        def abort(self):
            self.ended = "aborted"

    writers = []
    tc.faults.add(Cut(1_000_000), method="GET")
    tc.faults.add(Ignore("range"), method="GET", nth=2)
    hook.download_object(stored, lambda: writers.append(Writer()) or writers[-1])
    assert [writer.ended for writer in writers] == ["aborted", "closed"]
    assert writers[1].getvalue() == DATA


def test_the_wait_grows_and_honours_retry_after(hook, stored, tc, no_waiting):
    tc.faults.add(Status(503, {"Retry-After": "42"}), method="GET")
    tc.faults.add(Status(503), method="GET", nth=2, times=2)
    hook.read_object(stored)
    assert no_waiting[0] == 42
    assert 0.5 <= no_waiting[1] <= 1
    assert 1 <= no_waiting[2] <= 2


def test_retry_after_may_be_a_date(hook, stored, tc, no_waiting):
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=42), usegmt=True)
    tc.faults.add(Status(503, {"Retry-After": date}), method="GET")
    hook.read_object(stored)
    assert 30 < no_waiting[0] <= 42


def test_retries_end(connect, stored, tc, tmp_path):
    tc.faults.add(Status(503), method="GET", times=100)
    with pytest.raises(StoreError, match="the store answered 503"):
        connect(extra={"max_retries": 2}).download_object(stored, tmp_path / "copy")
    assert len(gets(tc)) == 3
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("status", [400, 404, 405, 410])
def test_other_answers_are_final(hook, stored, tc, status, tmp_path):
    tc.faults.add(Status(status), method="GET")
    with pytest.raises(StoreError, match=f"the store answered {status}") as caught:
        hook.download_object(stored, tmp_path / "copy")
    assert not caught.value.transient
    assert len(gets(tc)) == 1
    assert not list(tmp_path.iterdir())


def test_the_words_of_the_store_are_shown_without_the_signature(hook, stored, tc):
    body = b"<Error><Code>SlowDown</Code><Message>Please reduce your rate</Message></Error>"
    tc.faults.add(Status(400, body=body), method="GET")
    with pytest.raises(StoreError, match="SlowDown: Please reduce your rate") as caught:
        hook.read_object(stored)
    assert "?" not in str(caught.value)


def test_a_corrupt_byte_is_found_and_nothing_is_kept(hook, stored, tc, tmp_path):
    tc.faults.add(Corrupt(at=1_234_567), method="GET", times=10)
    with pytest.raises(HashMismatch, match="Nothing was kept"):
        hook.download_object(stored, tmp_path / "copy")
    assert not list(tmp_path.iterdir())


def test_what_was_there_before_stays_when_a_download_fails(hook, stored, tc, tmp_path):
    (tmp_path / "copy").write_bytes(b"old")
    tc.faults.add(Corrupt(), method="GET")
    with pytest.raises(HashMismatch):
        hook.download_object(stored, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


def test_a_redirect_of_get_url_is_refused(hook, stored, tc):
    tc.faults.add(Redirect(f"{tc.root_url}/api/object/v1/ping"), method="GET")
    with pytest.raises(StoreError, match="redirect"):
        hook.read_object(stored)


def test_a_redirect_to_another_scheme_is_refused(hook, s3_artifact, tc):
    tc.faults.add(Redirect("file:///etc/passwd"), method="GET")
    with pytest.raises(StoreError, match="not to http or https"):
        hook.read_artifact(*s3_artifact)


def test_an_endless_chain_of_redirects_ends(hook, s3_artifact, tc):
    tc.faults.add(Redirect(f"{tc.store_url}/again"), method="GET", times=100)
    with pytest.raises(StoreError, match="redirect"):
        hook.read_artifact(*s3_artifact)
    assert len(gets(tc)) == 6


@pytest.mark.parametrize("refusal", [401, 403])
def test_a_refused_url_is_renewed_once(hook, stored, tc, refusal):
    tc.faults.add(Status(refusal), method="GET")
    assert hook.read_object(stored) == DATA
    assert len(tc.journal.entries(path="/start-download/")) == 2
    tc.faults.add(Status(refusal), method="GET", times=100)
    with pytest.raises(StoreError, match=str(refusal)):
        hook.read_object(stored)


def test_a_url_that_ran_out_between_two_tries_is_renewed(hook, stored, tc):
    class Late:
        async def answer(self, exchange):
            tc.clock.advance(minutes=10)
            await Status(503).answer(exchange)

    tc.faults.add(Late(), method="GET")
    assert hook.read_object(stored) == DATA
    assert [entry.status for entry in gets(tc)] == [503, 403, 200]


def test_an_s3_url_that_ran_out_is_renewed(hook, s3_artifact, tc):
    """It holds for half an hour."""

    class Late:
        async def answer(self, exchange):
            tc.clock.advance(minutes=40)
            await Status(503).answer(exchange)

    tc.faults.add(Late(), method="GET")
    assert hook.read_artifact(*s3_artifact, run_id=0) == DATA
    assert [entry.status for entry in gets(tc)] == [503, 403, 200]
    assert len(tc.journal.entries(origin="api", path="/artifact-content/")) == 2


def test_a_body_without_length_is_taken_for_an_object_because_of_its_hashes(hook, stored, tc):
    tc.faults.add(NoLength(), method="GET")
    assert hook.download_object(stored, MemorySink()).verified == "sha256+sha512"


def test_a_body_without_length_or_hash_says_that_nothing_was_verified(hook, s3_artifact, tc):
    tc.faults.add(NoLength(), method="GET")
    result = hook.download_artifact(*s3_artifact, MemorySink())
    assert (result.verified, result.content) == ("none", DATA)


def test_a_truncated_gzip_without_length_is_found(connect, run, tc):
    run.add("public/g", DATA, storage_type="s3", gzipped=True)
    tc.faults.add(Both(NoLength(after=1000), Ignore("range")), method="GET", times=100)
    with pytest.raises(Truncated, match="before its trailer"):
        connect(extra={"max_retries": 1}).read_artifact(run.task_id, "public/g")


def test_an_upload_is_sent_again_after_an_answer_that_may_pass(hook, name, expires, tc):
    tc.faults.add(Status(503), method="PUT", times=2)
    assert hook.upload_object(DATA, name, expires=expires).attempts == 3
    assert hook.read_object(name) == DATA


def test_an_upload_url_that_is_refused_is_renewed_once(hook, name, expires, tc):
    tc.faults.add(Status(403), method="PUT")
    assert hook.upload_object(DATA, name, expires=expires).attempts == 2
    assert len(tc.journal.entries(path="/upload/")) == 2
    assert hook.read_object(name) == DATA


def test_an_upload_that_the_store_refuses_is_final_and_says_why(hook, name, expires, tc):
    tc.faults.add(Status(413, body=b"<Code>EntityTooLarge</Code><Message>Too large</Message>"), method="PUT", times=9)
    with pytest.raises(StoreError, match="413 \\(EntityTooLarge: Too large\\)"):
        hook.upload_object(DATA, name, expires=expires)
    assert len(tc.journal.entries(origin="store", method="PUT")) == 1


def test_a_silent_store_is_given_up_after_the_read_timeout(connect, name, monkeypatch):
    """The server accepts the connection and sends nothing; a whole body may take any time."""
    with silent_server() as url:
        hook = connect(extra={"read_timeout": 0.2, "max_retries": 1})
        services = hook._engine_services
        answer = {"method": "getUrl", "url": url, "expires": "2099-01-01T00:00:00.000Z", "hashes": {"sha256": "0" * 64}}
        monkeypatch.setattr(type(services), "start_download", lambda *_: answer)
        started = time.monotonic()
        with pytest.raises(ConnectionFailed, match="got no answer"):
            hook.read_object(name)
        assert 0.4 <= time.monotonic() - started < 5


def test_a_silent_service_is_given_up_after_the_read_timeout(connect):
    with silent_server() as url:
        hook = connect(host=url, extra={"read_timeout": 0.2, "connect_timeout": 0.2, "max_retries": 1})
        with pytest.raises(ConnectionFailed, match="got no answer"):
            hook.ping()


class silent_server:  # noqa: N801 (used as a function)
    """Accepts connections and never answers."""

    def __enter__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.connections = []
        threading.Thread(target=self._accept, daemon=True).start()
        return f"http://127.0.0.1:{self.socket.getsockname()[1]}"

    def _accept(self):
        while True:
            try:
                self.connections.append(self.socket.accept()[0])
            except OSError:
                return

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for connection in self.connections:
            connection.close()


def test_a_full_disk_ends_in_one_clear_sentence_and_is_not_fetched_again(hook, stored, tc):
    with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(DestinationError, match="the disk is full"):
        hook.download_object(stored, full)
    assert len(gets(tc)) == 1


def test_a_folder_that_cannot_be_made_ends_in_one_clear_sentence(hook, stored, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DestinationError, match="Cannot write"):
        hook.download_object(stored, tmp_path / "file" / "copy")


def test_an_interrupted_download_leaves_nothing(hook, stored):
    class Sink(MemorySink):
        discarded = False

        def write(self, _data):
            raise KeyboardInterrupt

        def discard(self):
            self.discarded = True

    sink = Sink()
    with pytest.raises(KeyboardInterrupt):
        hook.download_object(stored, sink)
    assert sink.discarded


def test_connections_are_kept(hook, expires, name, tc):
    for number in range(5):
        hook.upload_object(DATA, f"{name}-{number}", expires=expires)
        hook.read_object(f"{name}-{number}")
    for origin in ("api", "store"):
        connections = {entry.connection for entry in tc.journal.entries(origin=origin)}
        assert len(connections) == 1, origin


def test_a_connection_is_free_for_others_as_soon_as_its_body_was_read(hook, stored, tc):
    """A range thread may take it before the one that has read leaves its block."""
    url = hook.start_download(stored)["url"]
    buffer = memoryview(bytearray(len(DATA)))
    tc.journal.clear()
    with hook._store.get(url, {}) as first:
        while first.readinto(buffer):
            pass
        with hook._store.get(url, {}) as second:
            assert second.readinto(buffer) == len(DATA)
    assert len({entry.connection for entry in tc.journal.entries(origin="store")}) == 1


@pytest.fixture
def failing_service(connect):
    """A hook whose service answers from a script of (status, headers, body), and the count of requests."""
    import http.server

    answers, seen = [], []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append(self.path)
            status, headers, body = answers.pop(0)
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield connect("tc_failing", host=f"http://127.0.0.1:{server.server_port}"), answers, seen
    server.shutdown()
    server.server_close()


ALIVE = (200, {"Content-Type": "application/json"}, b'{"alive": true}')


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
def test_a_call_is_repeated_after_an_answer_that_may_pass(failing_service, status, no_waiting):
    hook, answers, seen = failing_service
    answers += [(status, {"Retry-After": "17"}, b"<html>busy</html>"), ALIVE]
    assert hook.ping()["alive"]
    assert len(seen) == 2
    assert no_waiting == [17]


def test_calls_are_not_repeated_twice_over(failing_service, no_waiting):
    """The package below has retries of its own; they are off."""
    hook, answers, seen = failing_service
    answers += [(500, {}, b"")] * 20
    with pytest.raises(ServiceUnavailable, match="500"):
        hook.ping()
    assert len(seen) == len(no_waiting) + 1


def test_an_answer_that_is_not_json_asks_for_the_root_url(failing_service):
    hook, answers, _ = failing_service
    answers += [(200, {"Content-Type": "text/html"}, b"<html>welcome</html>")]
    with pytest.raises(ServiceError, match=r"is http.* the root URL of a deployment"):
        hook.ping()

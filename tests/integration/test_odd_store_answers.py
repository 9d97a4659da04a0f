"""Store responses with odd headers or errors give right data, or an error of ours that is fit for a log."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odd_answers import DEEP, mutate

from airflow_provider_taskcluster.exceptions import NotVerifiable, TaskclusterError
from airflow_provider_taskcluster.transfer import parts_manifest
from airflow_provider_taskcluster.transfer.download import chain_of_trust
from airflow_provider_taskcluster.transfer.sink.base import MemorySink

DATA = os.urandom(20_000)
HEADERS = (
    *(b"Content-Type", b"ETag", b"Last-Modified", b"Content-Encoding", b"Content-Range", b"Location", b"Retry-After"),
    *(b"Content-Length", b"Transfer-Encoding", b"Connection", b"Set-Cookie", b"Date", b"X-\xff"),
)
VALUES = st.one_of(
    st.sampled_from(
        [b"", b" ", b'"', b'""', b'W/"a"', b"a/b", b"gzip", b"gzip, gzip", b"zstd", b"identity", b"chunked"]
    ),
    st.sampled_from(
        [b"a\r\n b", b"a\x00b", b"\x1b[31m", b"\xff\xfe", b"\xe2\x80\xae", b'"a\r\n b"', b"x" * 60_000, b"a\tb"]
    ),
    st.sampled_from(
        [b"0", b"-1", b"20000", b"20001", b"9" * 25, b"9" * 5000, b"bytes 0-1/2", b"bytes */0", b"1e9", b"nan"]
    ),
    st.sampled_from(
        [b"http://", b"http://[", b"//h", b"/\xff", b"http://u:c0ffee@h/?c0ffee", b"ftp://h/?c0ffee", b"http://h:0"]
    ),
    st.sampled_from(
        [b"Sat, 99 Jan 2028 00:00:00 GMT", b"Sat, 01 Jan 99999 00:00:00 GMT", b"Sat, 01 Jan 2028 00:00:00 -9999"]
    ),
    st.binary(max_size=10),
)
STATUSES = [
    b"200 OK",
    b"206 Partial Content",
    b"302 Found",
    b"307 \x1b[31m",
    b"400 Bad",
    b"404 ",
    b"416 No",
    b"500 a\xffb",
    b"999 x",
]
XML = b"<Error><Code>a\nb\x1b[31m</Code><Message>\xff http://u:c0ffee@h/?c0ffee \x00</Message></Error>"


@pytest.fixture
def store():
    """A server that answers each request with the same bytes; returns its URL and a function to set them."""
    listener = socket.create_server(("127.0.0.1", 0))
    answer = [b""]

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                asked = b""
                while b"\r\n\r\n" not in asked:
                    asked += connection.recv(65536) or b"\r\n\r\n"
                with contextlib.suppress(OSError):  # who does not like it hangs up
                    connection.sendall(answer[0])

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/x?sig=c0ffee", lambda body: answer.__setitem__(0, body)
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def fit_for_a_log(error):
    assert str(error).isprintable()
    assert "c0ffee" not in str(error)
    assert len(str(error)) < 4100


with_fixtures = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def test_odd_headers_end_in_right_data_or_in_an_error_of_ours(connect, run, store, caplog):
    url, answer_with = store
    run.add_reference("public/r", url)
    hook = connect(extra={"max_retries": 0, "read_timeout": 2})

    @with_fixtures
    @given(st.sampled_from(STATUSES), st.lists(st.tuples(st.sampled_from(HEADERS), VALUES), max_size=3), st.booleans())
    def check(status, headers, usual):
        lines = [b"Content-Type: a/b", b"Content-Length: %d" % len(DATA), b"Connection: close"] if usual else []
        lines += [name + b": " + value for name, value in headers]
        body = DATA if status[:1] == b"2" else XML
        answer_with(b"HTTP/1.1 " + b"\r\n".join([status, *lines]) + b"\r\n\r\n" + body)
        try:
            found = hook.download_artifact(run.task_id, "public/r", MemorySink(), allow_reference=True)
        except TaskclusterError as error:
            fit_for_a_log(error)
        else:
            announced = (b"Content-Length", b"%d" % len(found.content)) in headers and DATA.startswith(found.content)
            encoded = b"Content-Encoding" in dict(headers)
            assert found.content == DATA or announced or encoded or found.verified == "none"
            assert json.dumps(found.as_dict(), ensure_ascii=False).isprintable()
            assert found.content_type.isprintable()

    check()
    assert all(record.getMessage().isprintable() for record in caplog.records if record.name.startswith("airflow_prov"))


@pytest.mark.parametrize(
    "published", [DEEP, b"\xff", b"[]", b"7", b"null", b'{"artifacts": 7}', b'{"artifacts": {"a": 7}}']
)
def test_an_odd_chain_of_trust_names_no_sum(published):
    with pytest.raises(NotVerifiable):
        chain_of_trust.hashes_of("a", published)


@pytest.mark.parametrize("sha256", ["", "ab", "a\nb", "z" * 64, "A" * 63 + "\n", None, 7, ["a"]])
def test_a_chain_of_trust_names_a_sum_or_none(sha256):
    published = json.dumps({"artifacts": {"a": {"sha256": sha256}}}).encode()
    with pytest.raises(NotVerifiable):
        chain_of_trust.hashes_of("a", published)


@with_fixtures
@given(st.data())
def test_an_odd_manifest_is_refused(data):
    part = {"name": "a.part-ab-00000", "offset": 0, "size": 7, "sha256": "ab" * 32, "sha512": "cd" * 64}
    good = {"version": 1, "size": 7, "contentType": "a/b", "sha256": "ef" * 32, "parts": [part]}
    body = mutate(data.draw, json.dumps(good))
    try:
        found = parts_manifest.from_json(body, "a")
    except TaskclusterError as error:
        fit_for_a_log(error)
    else:
        assert found.content_type.isprintable()
        assert found.size == 7

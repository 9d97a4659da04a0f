"""Where the body of a store's answer ends, over real sockets, however the store writes it."""

from __future__ import annotations

import contextlib
import io
import re
import socket
import threading
import time

import pytest
from raw_answers import DATA, answer, chunks, raw_answers

from airflow_provider_taskcluster.common.network import Network
from airflow_provider_taskcluster.exceptions import ConnectionFailed, InvalidFraming, StoreError, Truncated
from airflow_provider_taskcluster.transfer.http.client import StoreClient

WHOLE = answer("Content-Length: 3072", body=DATA)


@pytest.fixture
def store():
    made = StoreClient(Network(connect_timeout=5, read_timeout=5, proxies={}))
    yield made
    made.close()


@pytest.fixture
def fetched(store):
    """Fetch what a server answers; returns the body, whether its end was marked, and the length it told."""

    def fetch(*answers):
        with raw_answers(*answers) as served, store.get(served.url, {}) as got:
            buffer, filled = memoryview(bytearray(len(DATA) + 100)), 0
            while count := got.readinto(buffer[filled:]):
                filled += count
            return bytes(buffer[:filled]), got.marked, got.facts.total

    return fetch


@pytest.mark.parametrize(
    "length", ["Content-Length: 10", "content-length:9999", "Content-Length: x", "Content-Length:"]
)
@pytest.mark.parametrize(
    "coding",
    [
        ["Transfer-Encoding: chunked"],
        ["transfer-encoding:CHUNKED "],
        ["Transfer-Encoding: Chunked\t"],
        ["Transfer-Encoding: identity", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding:", "\tchunked"],
        ["Transfer-Encoding : chunked"],
    ],
    ids="+".join,
)
@pytest.mark.parametrize("length_first", [True, False])
def test_chunks_count_and_not_the_length_beside_them(fetched, length, coding, length_first):
    headers = [length, *coding] if length_first else [*coding, length]
    assert fetched(answer(*headers, body=chunks(DATA[:1000], DATA[1000:]))) == (DATA, True, None)


@pytest.mark.parametrize(
    "body",
    [
        b"400;name=value\r\n%b\r\n800\r\n%b\r\n000\r\nTrailer: x\r\n\r\n" % (DATA[:1024], DATA[1024:]),
        b"400 \r\n%b\r\n0000800\r\n%b\r\n0\r\n" % (DATA[:1024], DATA[1024:]),
    ],
)
def test_chunks_with_extensions_trailers_and_zeros(fetched, body):
    assert fetched(answer("Transfer-Encoding: chunked", body=body)) == (DATA, True, None)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"400\r\n" + DATA[:1000],
        b"400\r\n" + DATA[:1024],
        b"400\r\n" + DATA[:1024] + b"\r\n",
        b"400\r\n" + DATA[:1024] + b"\r\n0",  # of 0800
        b"400\r\n" + DATA[:1024] + b"0\r\n\r\n",
        b"400\r\n" + DATA[:1024] + b"xx0\r\n\r\n",
        b"0x400\r\n" + DATA[:1024] + b"\r\n0\r\n\r\n",
        b"+400\r\n" + DATA[:1024] + b"\r\n0\r\n\r\n",
        b"4_00\r\n" + DATA[:1024] + b"\r\n0\r\n\r\n",
        b"-1\r\n" + DATA[:1024] + b"\r\n0\r\n\r\n",
        b"\r\n" + DATA[:1024] + b"\r\n0\r\n\r\n",
        b"4" * 17 + b"\r\n" + DATA[:1024],
        b"4" * 100_000 + b"\r\n",
        b"400\r\n" + DATA[:1024] + b"\r\n0\r\n" + b"a: b\r\n" * 10_000,
    ],
    ids=range(15),
)
def test_chunks_that_are_cut_or_none_are_never_a_whole(fetched, body):
    with pytest.raises(Truncated):
        fetched(answer("Transfer-Encoding: chunked", body=body))


@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Length: 3072 "],
        ["Content-Length:\t3072\t"],
        ["Content-Length: 3072, 3072"],
        ["Content-Length: 3072", "content-length: 3072"],
        ["Content-Length : 3072"],
        ["Content-Length:", " 3072"],
        ["no header at all", "Content-Length: 3072"],
        ["No Header: at all", "Content-Length: 3072"],
        ["Content-Type: multipart/mixed; boundary=x", "Foo bar", "--x", "Content-Length: 3072"],
        ["Content-Type: message/rfc822", "Foo bar", "Content-Length: 3072"],
        ["Transfer-Encoding: identity", "Content-Length: 3072"],
    ],
    ids="+".join,
)
def test_a_length_that_can_be_read_counts(fetched, headers):
    assert fetched(answer(*headers, body=DATA)) == (DATA, True, 3072)
    with pytest.raises(Truncated, match="ended after 1000 of 3072 bytes"):
        fetched(answer(*headers, body=DATA[:1000]))


def test_what_comes_after_the_length_is_not_of_the_body(fetched):
    assert fetched(answer("Content-Length: 3072", body=DATA + b"more")) == (DATA, True, 3072)


@pytest.mark.parametrize(
    "header",
    [
        *("Content-Length: 3000abc", "Content-Length: +3000", "Content-Length: -1", "Content-Length: 0x10"),
        *("Content-Length:", "Content-Length: 3_000", "Content-Length: \xb2", "Content-Length: 3000, 1000"),
        *("Content-Length: 3000\x0b", "Content-Length: 3 000", f"Content-Length: {'9' * 5000}"),
        *("Transfer-Encoding: gzip, chunked", "Transfer-Encoding: chunked, gzip", "Transfer-Encoding: xchunked"),
        *("Content-Length: \xd9\xa3", "Content-Length: 3000;"),
    ],
)
def test_what_cannot_be_read_is_an_error_that_may_pass_before_a_byte_is_taken(fetched, header):
    name = header.partition(":")[0]
    with pytest.raises(InvalidFraming, match=rf"/x answered with a {name} that cannot be read.*it may pass") as caught:
        fetched(answer(header, body=DATA[:1000]))
    assert caught.value.transient


@pytest.mark.parametrize("headers", [[], ["Transfer-Encoding: identity"], ["Connection: keep-alive"]], ids=str)
def test_a_body_that_tells_no_end_is_taken_and_said_to_be_unmarked(fetched, headers):
    assert fetched(answer(*headers, body=DATA)) == (DATA, False, None)


@pytest.mark.parametrize(
    "cut", [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nETag: x\r\nContent-Len", b"HTTP/1.1 200 OK\r\nETag: x\r\n"]
)
def test_headers_that_are_cut_are_no_answer(fetched, cut):
    with pytest.raises(ConnectionFailed, match="got no answer: the headers were cut; it may pass"):
        fetched(cut)


@pytest.mark.parametrize("status", ["100 Continue", "102 Processing", "103 Early Hints", "199 Odd"])
@pytest.mark.parametrize("times", [1, 3])
def test_interim_answers_are_read_past(fetched, store, status, times):
    interim = answer("Link: </style>", "Content-Length: 5", status=status) * times
    assert fetched(interim + WHOLE) == (DATA, True, 3072)
    with raw_answers(interim + answer("Content-Length: 0")) as served:
        assert store.put(served.url, {}, Body(b"abc"), 3) is None
    assert served.requests[0].endswith(b"\r\n\r\nabc")


def test_interim_answers_without_end_are_no_answer(fetched):
    with pytest.raises(ConnectionFailed, match="got no answer: 100 interim answers, and no other"):
        fetched(answer(status="102 Processing") * 10_000 + WHOLE)


def test_another_protocol_is_not_read_past(fetched):
    with pytest.raises(StoreError, match="answered 101"):
        fetched(answer("Upgrade: websocket", status="101 Switching Protocols") + WHOLE)


def test_another_version_is_no_answer(fetched):
    with pytest.raises(ConnectionFailed, match="got no answer"):
        fetched(WHOLE.replace(b"HTTP/1.1", b"HTTP/2.0"))


def test_too_many_headers_or_too_long_ones_are_no_answer(fetched):
    for headers, why in (
        (["A: b"] * 1000, "more than 100 headers"),
        (["A: " + "b" * 100_000], "a header of more than"),
    ):
        with pytest.raises(ConnectionFailed, match=f"got no answer: {why}"):
            fetched(answer(*headers, body=DATA))


def test_what_is_no_http_is_shown_on_one_line(fetched):
    with pytest.raises(ConnectionFailed, match=r"got no answer: SSH-2\.0-Open\\x07SSH; it may pass"):
        fetched(b"SSH-2.0-Open\x07SSH\r\n")


@pytest.mark.parametrize("status", ["200 OK", "204 No Content"])
@pytest.mark.parametrize("header", ["Content-Length: x", "Transfer-Encoding: chunked", "Content-Length: 70000", "A: b"])
def test_what_a_store_answers_to_a_put_does_not_undo_it(store, status, header):
    with raw_answers(answer(header, status=status)) as served:
        assert store.put(served.url, {}, Body(b"abc"), 3) is None


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (answer("Transfer-Encoding: chunked", status="204 No Content"), True),
        (answer("Content-Length: 5", status="204 No Content"), True),
        (answer("Content-Length: 3", body=b"abc"), True),
        (answer("Transfer-Encoding: chunked", body=chunks(b"abc")), True),
        (answer("Transfer-Encoding: chunked", "Content-Length: 3", body=chunks(b"abc")), False),
        (answer("Content-Length: x", body=b"abc"), False),
        (answer("A: b", body=b"abc"), False),
        (answer("Content-Length: 70000", body=bytes(70_000)), False),
    ],
)
def test_a_connection_is_kept_after_a_put_whose_answer_has_a_clear_end(store, said, kept):
    """Nobody waits for the end of another."""
    started = time.monotonic()
    with raw_answers(said, kept=True) as served:
        for _ in range(2):
            assert store.put(served.url, {}, Body(b"abc"), 3) is None
        store.close()
    assert time.monotonic() - started < 4, "no read timed out"
    assert served.connections == (1 if kept else 2)


def test_an_error_is_told_however_its_length_is_written(store):
    said = answer("Content-Length: x", status="404 Gone", body=b"<Code>NoSuchKey</Code><Message>Not here</Message>")
    with (
        raw_answers(said) as served,
        pytest.raises(StoreError, match=r"404 \(NoSuchKey: Not here\)") as caught,
        store.get(served.url, {}),
    ):
        pass
    assert not caught.value.transient


@pytest.mark.parametrize(
    ("headers", "body", "kept"),
    [
        (["Content-Length: 3072"], DATA, True),
        (["Content-Length: 3072, 3072"], DATA, True),
        (["Transfer-Encoding: chunked"], chunks(DATA), True),
        (["Transfer-Encoding: chunked", "Content-Length: 3072"], chunks(DATA), False),
    ],
    ids=["length", "twice", "chunks", "both"],
)
def test_a_connection_is_kept_after_a_body_whose_end_is_not_disputed(store, headers, body, kept):
    with raw_answers(answer(*headers, body=body), kept=True) as served:
        for _ in range(2):
            with store.get(served.url, {}) as got:
                buffer, filled = memoryview(bytearray(4000)), 0
                while count := got.readinto(buffer[filled:]):
                    filled += count
                assert bytes(buffer[:filled]) == DATA
        del got  # which holds the connections
        store.close()
    assert served.connections == (1 if kept else 2)


def test_headers_that_cannot_be_read_put_no_signature_into_the_log(store, caplog):
    with raw_answers(answer("Foo bar", "Content-Length: 0")) as served, store.get(f"{served.url}?sig=c0ffee", {}):
        pass
    assert not re.search("c0ffee", caplog.text)


class Body:
    def __init__(self, data):
        self.left = data

    def read(self, size):
        data, self.left = self.left[:size], self.left[size:]
        return data


def dripping(before, drop, after=b"", drops=80):
    """A server on whose answer there is no end: one drop every 0.1 s."""

    def serve(listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                connection.recv(1 << 16)
                connection.sendall(before)
                for _ in range(drops):
                    time.sleep(0.1)
                    connection.sendall(drop)
                connection.sendall(after)

    return serve


@pytest.fixture
def drip():
    """Serve what drips; return its URL."""
    with contextlib.ExitStack() as held:

        def served(*what):
            listener = held.enter_context(socket.create_server(("127.0.0.1", 0)))
            thread = threading.Thread(target=dripping(*what), args=(listener,), daemon=True)
            held.callback(thread.join, 15)
            held.callback(listener.shutdown, socket.SHUT_RDWR)
            thread.start()
            return f"http://127.0.0.1:{listener.getsockname()[1]}/a"

        yield served


@pytest.fixture
def hurried():
    made = StoreClient(Network(connect_timeout=5, read_timeout=0.5, proxies={}))
    yield made
    made.close()


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("before", "drop"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 ", b"O"),
        (OK, b"a"),
        (OK + b"Content-Length: 10\r\nX: ", b"a"),
        (OK, b"A: b\r\n"),
    ],
    ids=["first byte", "status", "name", "value", "headers"],
)
def test_a_head_that_drips_has_one_time_out_and_may_pass(drip, hurried, before, drop):
    started = time.monotonic()
    with pytest.raises(ConnectionFailed, match="no answer in time") as caught, hurried.get(drip(before, drop), {}):
        pass
    assert caught.value.transient
    assert time.monotonic() - started < 3


def test_each_interim_answer_has_its_time(drip, hurried):
    """A store that works for long says so now and then."""
    url = drip(b"", b"HTTP/1.1 102 Processing\r\n\r\n", answer("Content-Length: 3", body=b"abc"), 20)
    with hurried.get(url, {}) as got:
        assert got.facts.total == 3


@pytest.mark.parametrize(
    "headers", [["Content-Length: 60000"], ["Transfer-Encoding: chunked"], ["Connection: close"]], ids="+".join
)
def test_the_text_of_an_error_that_drips_is_taken_as_far_as_it_came(drip, hurried, headers):
    text = b"<Error><Code>SlowDown</Code><Message>wait</Message>"
    chunked = headers[0].startswith("T")
    body = b"%x\r\n%b\r\n" % (len(text), text) if chunked else text
    url = drip(answer(*headers, status="503 Busy", body=body), b"1\r\n \r\n" if chunked else b" ")
    started = time.monotonic()
    with pytest.raises(StoreError, match=r"503 \(SlowDown: wait\)"), hurried.get(url, {}):
        pass
    assert time.monotonic() - started < 3


def test_an_answer_to_a_put_that_drips_is_not_waited_for(drip, hurried):
    url = drip(answer("Content-Length: 60000"), b" ")
    started = time.monotonic()
    assert hurried.put(url, {}, io.BytesIO(b""), 0) is None
    assert time.monotonic() - started < 3


@pytest.mark.parametrize("drop", [b"0", b"0;name=", b"0\r\na"], ids=["size", "extension", "trailer"])
def test_lines_between_chunks_that_drip_have_a_time_out(drip, hurried, drop):
    url = drip(answer("Transfer-Encoding: chunked", body=b"3\r\nabc\r\n" + drop), b"0")
    started = time.monotonic()
    with hurried.get(url, {}) as got, pytest.raises((ConnectionFailed, Truncated)) as caught:
        got.skip(100)
    assert caught.value.transient
    assert time.monotonic() - started < 3


def test_the_connection_is_kept_after_an_error_and_after_a_put(store):
    refused = answer("Content-Length: 9", status="404 Not Found", body=b"not there")
    with raw_answers(refused, answer("Content-Length: 2", body=b"ok"), WHOLE) as served:
        served.kept = True
        with pytest.raises(StoreError), store.get(served.url, {}):
            pass
        store.put(served.url, {}, io.BytesIO(b""), 0)
        with store.get(served.url, {}) as got:
            got.skip(len(DATA))
        assert (len(served.requests), served.connections) == (3, 1)
        del got  # it holds its connection, and the server waits for another request
        store.close()

"""Fault injection into the store, over real sockets."""

from __future__ import annotations

import contextlib
import http.client
import socket
import time
from urllib.parse import urlsplit

import pytest
from emulator_clients import Upload, eventually, url_of_upload
from emulator_clients import http as request

from airflow_provider_taskcluster.emulator import Emulator
from airflow_provider_taskcluster.emulator.store.faults import (
    Both,
    Chunked,
    Corrupt,
    Cut,
    Drip,
    Headers,
    Ignore,
    Longer,
    NoLength,
    OtherRange,
    Redirect,
    Refuse,
    Reset,
    Short,
    Stall,
    Status,
    WrongRange,
    ranged,
    unranged,
)

DATA = b"0123456789" * 100_000


@pytest.fixture
def faults(tc):
    yield tc.faults
    tc.faults.clear()


@pytest.fixture
def url(root):
    return url_of_upload(root, DATA)


@contextlib.contextmanager
def asked(url, method="GET", **headers):
    """Give a socket over which a request was sent."""
    parts = urlsplit(url)
    lines = [f"{method} {parts.path}?{parts.query} HTTP/1.1", f"Host: {parts.netloc}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    with socket.create_connection((parts.hostname, parts.port), timeout=5) as wire:
        wire.sendall("\r\n".join([*lines, "", ""]).encode())
        yield wire


def receive(wire, size=None):
    """Read ``size`` bytes of a body from a socket, or until it closes; return (head in lower case, body)."""
    received = b""
    while size is None or len(received.partition(b"\r\n\r\n")[2]) < size:
        if not (chunk := wire.recv(1 << 20)):
            break
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    return head.decode().lower(), body


def raw(url):
    """Read from a socket until it closes."""
    with asked(url) as wire:
        return receive(wire)


def part(url, first, last, **headers):
    """GET a range; return (status, Content-Range, body)."""
    status, answered, body = request("GET", url, headers={"Range": f"bytes={first}-{last}", **headers})
    return status, answered["Content-Range"], body


def test_a_status_strikes_the_nth_request_as_often_as_told(faults, url):
    faults.add(Status(503, {"Retry-After": "1"}), method="GET", nth=2, times=2)
    answers = [request("GET", url) for _ in range(4)]
    assert [status for status, *_ in answers] == [200, 503, 503, 200]
    assert answers[1][1]["Retry-After"] == "1"


def test_a_rule_is_for_one_method_and_path(faults, url):
    faults.add(Status(503), method="PUT")
    faults.add(Status(503), path="/private-artifacts/")
    assert request("GET", url)[0] == 200


def test_a_put_can_be_struck(faults, root):
    grant = Upload(root).put_url(5)
    faults.add(Status(500), method="PUT")
    assert [request("PUT", grant["url"], b"hello", grant["headers"])[0] for _ in range(2)] == [500, 200]


@pytest.mark.parametrize("after", [0, 1, 300_000, 999_999])
def test_a_cut_ends_the_connection_after_so_many_bytes(faults, url, after):
    faults.add(Cut(after))
    with pytest.raises(http.client.IncompleteRead) as info:
        request("GET", url)
    assert info.value.partial == DATA[:after]
    assert request("GET", url)[2] == DATA


def test_a_cut_counts_in_the_journal(faults, tc, url):
    faults.add(Cut(300_000))
    with tc.journal.recording() as seen, pytest.raises(http.client.IncompleteRead):
        request("GET", url)
    assert [(entry.status, entry.sent) for entry in seen] == [(200, 300_000)]


@pytest.mark.parametrize("at", [0, 500_000, 999_999])
def test_one_byte_is_corrupted(faults, url, at):
    faults.add(Corrupt(at))
    status, _, body = request("GET", url)
    assert (status, len(body)) == (200, len(DATA))
    assert [i for i in (0, 500_000, 999_999) if body[i] != DATA[i]] == [at]


def test_a_redirect_goes_where_it_is_told(faults, url):
    faults.add(Redirect("https://elsewhere.example/"))
    status, headers, _ = request("GET", url)
    assert (status, headers["Location"]) == (302, "https://elsewhere.example/")


def test_a_length_can_be_left_out(faults, url):
    faults.add(NoLength())
    head, body = raw(url)
    assert "content-length" not in head
    assert "transfer-encoding" not in head
    assert body == DATA


def test_a_cut_without_length_shows_nowhere(faults, url):
    faults.add(NoLength(after=12_345))
    assert request("GET", url)[::2] == (200, DATA[:12_345])


def test_a_rule_is_for_parts_or_for_the_whole(faults, url):
    faults.add(Status(500), when=ranged)
    faults.add(Status(501), when=unranged, nth=2)
    faults.add(Status(502), when=lambda headers: headers.get("range") == "bytes=5-5", times=9)
    answers = [request("GET", url)[0], part(url, 0, 9)[0], part(url, 5, 5)[0], part(url, 0, 9)[0]]
    assert answers == [200, 500, 502, 206]
    assert request("GET", url)[0] == 501


@pytest.mark.parametrize("after", [0, 300_000])
def test_a_stalled_connection_stays_open_and_silent(faults, url, after):
    faults.add(Stall(after))
    with asked(url) as wire:
        head, body = receive(wire, after) if after else (receive_head(wire), b"")
        assert f"content-length: {len(DATA)}" in head
        assert body == DATA[:after]
        assert_silent(wire)
    assert request("GET", url)[2] == DATA


def receive_head(wire):
    received = b""
    while b"\r\n\r\n" not in received:
        received += wire.recv(1 << 16)
    assert received.endswith(b"\r\n\r\n")
    return received.decode().lower()


def assert_silent(wire):
    wire.settimeout(0.3)
    with pytest.raises(TimeoutError):
        wire.recv(1)


def test_a_stall_can_come_before_the_status(faults, url):
    faults.add(Stall())
    with asked(url) as wire:
        assert_silent(wire)


def test_a_stall_ends_when_the_client_leaves(faults, tc, url):
    faults.add(Stall(10))
    with tc.journal.recording() as seen, asked(url) as wire:
        receive(wire, 10)
    (entry,) = seen
    assert eventually(lambda: entry.seconds) < 5


def test_what_is_not_sent_yet_is_dropped_when_the_client_ends_its_side(tc, root):
    """It holds up connection and request for as long as the client does not read."""
    large = Upload(root)
    grant = large.put_url(20_000_000)
    request("PUT", grant["url"], bytes(20_000_000), grant["headers"])
    large.finish()
    with asked(large.get_url()["url"]) as wire:
        receive(wire, 10)
        entry = list(tc.journal)[-1]
        assert (entry.method, entry.seconds) == ("GET", None)
        wire.shutdown(socket.SHUT_WR)
        assert eventually(lambda: entry.seconds)


def test_a_stall_does_not_hold_up_the_end_of_the_emulator():
    with Emulator() as tc:
        tc.faults.add(Stall())
        with asked(f"{tc.store_url}/objects/x?"):
            eventually(lambda: len(tc.journal))
            started = time.monotonic()
            tc.__exit__(None, None, None)
            assert time.monotonic() - started < 5


def test_a_body_can_drip(faults, url):
    faults.add(Drip(10, 0.5))
    with asked(url) as wire:
        assert receive(wire, 1)[1] == DATA[:10]
    faults.add(Drip(100_000, 0.02))
    started = time.monotonic()
    assert request("GET", url)[2] == DATA
    assert time.monotonic() - started >= 9 * 0.02


@pytest.mark.parametrize("after", [0, 1, 300_000, 999_999, 1_000_000])
def test_a_reset_comes_after_so_many_bytes(faults, url, after):
    faults.add(Reset(after))
    received = b""
    with asked(url) as wire, contextlib.suppress(ConnectionResetError):
        while True:
            chunk = wire.recv(1 << 20)
            assert chunk  # or the connection was ended properly
            received += chunk
    assert received.partition(b"\r\n\r\n")[2] == DATA[:after]


def test_a_range_can_be_ignored(faults, url):
    faults.add(Ignore("range"))
    assert part(url, 10, 19) == (200, None, DATA)
    assert part(url, 10, 19) == (206, "bytes 10-19/1000000", DATA[10:20])


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (WrongRange(shift=1), "bytes 11-20/1000000"),
        (WrongRange(shift=-10), "bytes 0-9/1000000"),
        (WrongRange(total=999_999), "bytes 10-19/999999"),
        (WrongRange(total="*"), "bytes 10-19/*"),
        (WrongRange(unit="lines"), "lines 10-19/1000000"),
        (Headers({"Content-Range": None}), None),
        (Headers({"Content-Range": "nonsense"}), "nonsense"),
    ],
)
def test_a_content_range_can_be_wrong(faults, url, fault, told):
    faults.add(fault)
    assert part(url, 10, 19) == (206, told, DATA[10:20])


@pytest.mark.parametrize(
    ("fault", "first", "last"),
    [
        (OtherRange(last=+10), 10, 29),
        (OtherRange(last=-5), 10, 14),
        (OtherRange(first=-10), 0, 19),
        (OtherRange(first=+2, last=+2), 12, 21),
    ],
)
def test_other_bytes_than_asked_may_come(faults, url, fault, first, last):
    faults.add(fault)
    assert part(url, 10, 19) == (206, f"bytes {first}-{last}/1000000", DATA[first : last + 1])


def test_a_body_may_be_longer_than_its_range(faults, url):
    faults.add(Longer(3), times=2)
    assert part(url, 10, 19) == (206, "bytes 10-19/1000000", DATA[10:20] + bytes(3))
    status, headers, body = request("GET", url)
    assert (status, headers["Content-Length"], body) == (200, "1000003", DATA + bytes(3))


def test_a_body_may_be_shorter_than_its_range(faults, url):
    faults.add(Short(3), times=2)
    assert part(url, 10, 19) == (206, "bytes 10-19/1000000", DATA[10:17])
    status, headers, body = request("GET", url)
    assert (status, headers["Content-Length"], body) == (200, "999997", DATA[:-3])


def test_headers_can_be_changed(faults, url):
    faults.add(Headers({"ETag": '"other"', "Accept-Ranges": None, "X-New": "1"}))
    _, headers, body = request("GET", url)
    assert (headers["ETag"], headers["Accept-Ranges"], headers["X-New"]) == ('"other"', None, "1")
    assert body == DATA


def test_an_if_range_can_be_ignored(faults, url):
    assert part(url, 10, 19, **{"If-Range": '"other"'})[0] == 200
    faults.add(Ignore("if-range"))
    assert part(url, 10, 19, **{"If-Range": '"other"'}) == (206, "bytes 10-19/1000000", DATA[10:20])


def test_a_body_can_come_in_chunks(faults, url):
    faults.add(Chunked(), times=2)
    assert request("GET", url)[2] == DATA
    with asked(url, Connection="close") as wire:
        head, body = receive(wire)
    assert "transfer-encoding: chunked" in head
    assert "content-length" not in head
    assert body.endswith(b"0\r\n\r\n")


def test_two_faults_can_meet(faults, url):
    faults.add(Both(Cut(300_000), Chunked()))
    with asked(url) as wire:
        head, body = receive(wire)
    assert "transfer-encoding: chunked" in head
    assert not body.endswith(b"0\r\n\r\n")
    assert 300_000 < len(body) < 301_000
    faults.add(Both(Ignore("range"), Corrupt(5)))
    status, _, body = part(url, 10, 19)
    assert (status, len(body)) == (200, len(DATA))
    assert body[5] != DATA[5]


@pytest.fixture
def begun(root):
    """A PUT of five million bytes, of which headers and 100,000 bytes were sent."""

    @contextlib.contextmanager
    def begin():
        grant = Upload(root).put_url(5_000_000)
        with asked(grant["url"], "PUT", **grant["headers"]) as wire:
            wire.sendall(bytes(100_000))
            yield wire

    return begin


@pytest.mark.parametrize(("status", "after"), [(403, 0), (413, 65_536)])
def test_a_put_can_be_refused_while_it_is_sent(faults, tc, begun, status, after):
    faults.add(Refuse(status, after, b"too much"))
    with tc.journal.recording() as seen, begun() as wire:
        head, body = receive(wire)
        assert head.startswith(f"http/1.1 {status} ")
        assert "connection: close" in head
        assert body == b"too much"
        wire.sendall(bytes(100_000))  # is thrown away, not refused
    (entry,) = seen.entries(origin="store")
    assert entry.status == status
    assert entry.received >= after


def test_a_refused_put_waits_for_the_bytes_it_reads_first(faults, begun):
    faults.add(Refuse(403, after=150_000))
    with begun() as wire:
        assert_silent(wire)
        wire.settimeout(5)
        wire.sendall(bytes(100_000))
        assert receive(wire)[0].startswith("http/1.1 403 ")


def test_a_refusal_can_end_in_a_reset(faults, begun):
    faults.add(Refuse(413, after=65_536, body=b"too much", reset=True))
    with begun() as wire:
        assert receive(wire, len(b"too much"))[1] == b"too much"
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            wire.sendall(bytes(100_000_000))

"""The store: signed URLs, ranges and PUTs as in S3."""

from __future__ import annotations

import http.client
import socket
from urllib.parse import urlsplit

import pytest
from emulator_clients import Upload, eventually, url_of_upload
from emulator_clients import http as request

DATA = bytes(range(256)) * 40


@pytest.fixture
def url(root):
    return url_of_upload(root, DATA)


def test_a_get_tells_length_type_and_etag(url):
    status, headers, body = request("GET", url)
    assert (status, body) == (200, DATA)
    assert headers["Content-Length"] == str(len(DATA))
    assert headers["Content-Type"] == "text/plain"
    assert headers["Content-Encoding"] == "identity"
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["ETag"].startswith('"')


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        ("bytes=10000-", 10000, 10240),
        ("bytes=-40", 10200, 10240),
        ("bytes=-99999", 0, 10240),
        ("bytes=10000-99999", 10000, 10240),
    ],
)
def test_a_range_is_a_206(url, asked, start, stop):
    status, headers, body = request("GET", url, headers={"Range": asked})
    assert (status, body) == (206, DATA[start:stop])
    assert headers["Content-Range"] == f"bytes {start}-{stop - 1}/{len(DATA)}"
    assert headers["Content-Length"] == str(stop - start)


@pytest.mark.parametrize("asked", ["bytes=10240-", "bytes=99999-100000", "bytes=-0"])
def test_an_unsatisfiable_range_is_a_416(url, asked):
    status, headers, body = request("GET", url, headers={"Range": asked})
    assert (status, headers["Content-Range"]) == (416, f"bytes */{len(DATA)}")
    assert b"<Code>InvalidRange</Code>" in body


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,5-6", "bytes=5-1", "lines=0-1", "bytes=-", "nonsense", f"bytes={'9' * 5000}-"]
)
def test_a_range_that_is_not_one_is_ignored(url, asked):
    assert request("GET", url, headers={"Range": asked})[::2] == (200, DATA)


def test_if_range_holds_while_the_bytes_are_the_same(root):
    upload = Upload(root)
    grant = upload.put_url(5)
    request("PUT", grant["url"], b"hello", grant["headers"])
    upload.finish()
    url = upload.get_url()["url"]
    first = request("GET", url)[1]
    for same in (first["ETag"], first["Last-Modified"]):
        assert request("GET", url, headers={"Range": "bytes=1-", "If-Range": same})[0] == 206
    request("PUT", grant["url"], b"WORLD", grant["headers"])
    later = {"Range": "bytes=1-", "If-Range": first["ETag"]}
    assert request("GET", url, headers=later)[::2] == (200, b"WORLD")


def test_head_is_a_403(url):
    assert request("HEAD", url)[0] == 403


def test_an_unsigned_or_altered_url_is_a_403(url):
    base = url.split("?")[0]
    assert b"<Code>AccessDenied</Code>" in request("GET", base)[2]
    assert b"<Code>SignatureDoesNotMatch</Code>" in request("GET", url[:-1] + ("0" if url[-1] != "0" else "1"))[2]
    other = base[:-1] + ("0" if base[-1] != "0" else "1")
    for altered in (url.replace("X-Expires=1", "X-Expires=9"), url.replace(base, other)):
        assert request("GET", altered)[0] == 403
    assert request("PUT", url, b"x")[0] == 403


@pytest.mark.parametrize("path", ["/", "/objects/../state.sqlite", "/objects/%2e%2e/state.sqlite", "/objects/x"])
def test_nothing_but_keys_is_served(tc, path):
    assert request("GET", tc.store_url + path)[0] == 403


def test_an_empty_object_is_served(root):
    upload = Upload(root)
    grant = upload.put_url(0)
    assert request("PUT", grant["url"], b"", grant["headers"])[0] == 200
    upload.finish()
    url = upload.get_url()["url"]
    assert request("GET", url)[::2] == (200, b"")
    assert request("GET", url, headers={"Range": "bytes=0-"})[0] == 416


def test_a_put_without_content_length_is_a_411(run):
    grant = run.announce("public/chunked", storage_type="s3", content_type="text/plain")
    headers = {"Content-Type": "text/plain", "Transfer-Encoding": "chunked"}
    assert begun_put(grant["putUrl"], headers, b"3\r\nabc\r\n0\r\n\r\n")[0] == 411


def test_more_than_5_gib_in_one_put_is_refused_before_it_is_sent(run):
    grant = run.announce("public/huge", storage_type="s3", content_type="text/plain")
    headers = {"Content-Type": "text/plain", "Content-Length": str(5 * 1024**3 + 1)}
    status, _, body = begun_put(grant["putUrl"], headers, b"x")
    assert (status, b"EntityTooLarge" in body) == (400, True)


def begun_put(url, headers, sent):
    """Send the head and the beginning of a body, and read the response."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=5)
    connection.putrequest("PUT", f"{parts.path}?{parts.query}")
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders(sent)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, response.headers, body


def test_an_early_refusal_hangs_up(root):
    grant = Upload(root).put_url(10_000_000)
    status, headers, _ = begun_put(grant["url"], {**grant["headers"], "Content-Type": "no/way"}, b"x" * 1000)
    assert (status, headers["Connection"]) == (403, "close")


def test_a_put_that_breaks_off_leaves_nothing(root):
    upload = Upload(root)
    grant = upload.put_url(1000)
    parts = urlsplit(grant["url"])
    head = f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in grant["headers"].items())
    with socket.create_connection((parts.hostname, parts.port)) as wire:
        wire.sendall(f"{head}\r\n".encode() + b"x" * 500)
    puts = eventually(lambda: [e for e in root.tc.journal.entries(path=parts.path) if e.seconds is not None])
    upload.finish()
    assert request("GET", upload.get_url()["url"])[0] == 404
    assert [(entry.method, entry.status, entry.received) for entry in puts] == [("PUT", None, 500)]
    assert not list((root.tc.store.blobs.folder.parent / "incoming").iterdir())


def test_connections_are_kept(tc, url):
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc)
    with tc.journal.recording() as seen:
        for _ in range(3):
            connection.request("GET", f"{parts.path}?{parts.query}")
            assert connection.getresponse().read() == DATA
    connection.close()
    assert len({entry.connection for entry in seen}) == 1


def test_the_journal_says_what_was_asked_and_sent(tc, url):
    with tc.journal.recording() as seen:
        request("GET", url, headers={"Range": "bytes=0-9"})
    [entry] = seen.entries(origin="store", method="GET", path="/objects/")
    assert (entry.status, entry.sent, entry.headers["range"]) == (206, 10, "bytes=0-9")
    assert "?" not in entry.path
    assert len(tc.journal) >= 1


def test_a_large_object_streams_both_ways(root):
    size = 20_000_000
    data = b"0123456789" * (size // 10)
    upload = Upload(root)
    grant = upload.put_url(size)
    assert request("PUT", grant["url"], data, grant["headers"])[0] == 200
    upload.finish()
    assert request("GET", upload.get_url()["url"])[2] == data

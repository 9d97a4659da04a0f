"""Scripted misfortunes of the store, seen over real sockets."""

from __future__ import annotations

import http.client
import socket
from urllib.parse import urlsplit

import pytest
from emulator_clients import Upload
from emulator_clients import http as request

from airflow_provider_taskcluster.emulator.store.faults import Corrupt, Cut, NoLength, Redirect, Status

DATA = b"0123456789" * 100_000


@pytest.fixture
def faults(tc):
    yield tc.faults
    tc.faults.clear()


@pytest.fixture
def url(root):
    upload = Upload(root)
    grant = upload.put_url(len(DATA))
    request("PUT", grant["url"], DATA, grant["headers"])
    upload.finish()
    return upload.get_url()["url"]


def raw(url):
    """Everything that comes back on the socket until it closes."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=5) as wire:
        wire.sendall(f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
        received = b""
        while chunk := wire.recv(1 << 20):
            received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    return head.decode().lower(), body


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

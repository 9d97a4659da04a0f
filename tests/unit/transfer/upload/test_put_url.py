from __future__ import annotations

import hashlib
import io

import pytest
from running_threads import running

from airflow_provider_taskcluster.common.network import Network
from airflow_provider_taskcluster.common.retry import RetryPolicy
from airflow_provider_taskcluster.exceptions import SourceChanged
from airflow_provider_taskcluster.transfer.config import MIB
from airflow_provider_taskcluster.transfer.hashing.digests import ACCEPTABLE
from airflow_provider_taskcluster.transfer.hashing.fingerprint import Fingerprint
from airflow_provider_taskcluster.transfer.http.client import StoreClient
from airflow_provider_taskcluster.transfer.progress import Reporter
from airflow_provider_taskcluster.transfer.source.factory import source_for
from airflow_provider_taskcluster.transfer.source.read_ahead import WORTH_A_THREAD, FingerprintedHashers
from airflow_provider_taskcluster.transfer.upload import put_url
from airflow_provider_taskcluster.transfer.upload.measure import Measured, measure
from airflow_provider_taskcluster.transfer.upload.method import Offer
from airflow_provider_taskcluster.transfer.upload.put_url import CheckedBody, PutGrant, PutUrl

CONTENT = b"the content as it was hashed"


def offer(content=CONTENT):
    source = source_for(content)
    return Offer(source, measure(source), "text/plain", Reporter("test", 5))


def read_all(body, size):
    """As a connection does: each piece is copied into the kernel before the next call."""
    return b"".join(iter(lambda: bytes(body.read(size)), b""))


@pytest.mark.parametrize("size", [1, 7, len(CONTENT), 1000])
def test_the_body_is_the_source_and_ends_where_it_was_measured_to_end(size):
    body = CheckedBody(io.BytesIO(CONTENT), offer())
    assert read_all(body, size) == CONTENT
    body.finish()


def test_an_empty_body_is_complete_at_once():
    body = CheckedBody(io.BytesIO(b""), offer(b""))
    assert body.read(1000) == b""
    body.finish()


def test_a_source_that_got_shorter_ends_the_upload_instead_of_letting_the_server_wait():
    body = CheckedBody(io.BytesIO(CONTENT[:-3]), offer())
    with pytest.raises(SourceChanged, match=r"it ended 3 bytes early.*was not finished: run the task again"):
        read_all(body, 10)


def test_of_a_source_that_has_grown_no_more_is_sent_than_was_announced_and_it_is_noticed():
    body = CheckedBody(io.BytesIO(CONTENT + b" and more"), offer())
    sent = []
    with pytest.raises(SourceChanged, match="it has grown"):
        sent.extend(iter(lambda: bytes(body.read(10)), b""))
    assert CONTENT.startswith(b"".join(sent))


def test_other_bytes_of_the_same_length_are_noticed_before_the_last_of_them_leave():
    body = CheckedBody(io.BytesIO(CONTENT[::-1]), offer())
    sent = []
    with pytest.raises(SourceChanged, match="its bytes are others now"):
        sent.extend(iter(lambda: bytes(body.read(10)), b""))
    assert 0 < len(b"".join(sent)) < len(CONTENT)


def test_other_bytes_that_the_sha512_alone_has_seen_are_noticed_before_the_last_of_them_leave():
    announced = offer()
    begun = FingerprintedHashers(["sha512"], announced.measured.fingerprint)
    begun.update(CONTENT[:5][::-1])
    announced.measured._begun.append(begun)
    body = CheckedBody(io.BytesIO(CONTENT), announced)
    sent = []
    with pytest.raises(SourceChanged, match="for a moment its bytes were others"):
        sent.extend(iter(lambda: bytes(body.read(10)), b""))
    assert 0 < len(b"".join(sent)) < len(CONTENT)


def test_a_body_that_was_not_read_to_its_end_is_not_finished():
    body = CheckedBody(io.BytesIO(CONTENT), offer())
    body.read(5)
    with pytest.raises(SourceChanged):
        body.finish()


def test_a_reader_that_gives_little_at_a_time_is_no_shorter_for_it():
    class Slow(io.BytesIO):
        def read(self, size=-1):
            return super().read(min(size, 3))

    body = CheckedBody(Slow(CONTENT), offer())
    assert read_all(body, 10) == CONTENT
    body.finish()


GRANTED = {
    "url": "/blob?signature=c0ffee",
    "expires": "2999-01-01T00:00:00.000Z",
    "headers": {"Content-Type": "text/plain", "Content-Length": str(len(CONTENT))},
}


def test_the_url_of_a_grant_does_not_show():
    grant = PutGrant.read(GRANTED)
    assert "c0ffee" not in repr(grant)
    assert grant.expires.year == 2999


def never():
    raise AssertionError("the grant holds; nobody should ask for another")


def test_one_put_over_a_real_socket(server):
    store = StoreClient(Network(proxies={}, retry=RetryPolicy(max_retries=0)))
    granted = GRANTED | {"url": server.url + GRANTED["url"]}
    assert PutUrl().move(offer(), granted, never, store) == {
        algorithm: hashlib.new(algorithm, CONTENT).hexdigest() for algorithm in ACCEPTABLE
    }
    assert server.requests == [("PUT", "/blob?signature=c0ffee")]
    assert server.bodies == [CONTENT]
    assert server.request_headers[0]["Content-Length"] == str(len(CONTENT))
    assert server.request_headers[0]["Content-Type"] == "text/plain"
    store.close()


def test_a_source_that_changed_is_told_over_a_real_socket_too(server, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    offered = offer(path)
    path.write_bytes(CONTENT[::-1])
    store = StoreClient(Network(proxies={}, retry=RetryPolicy(max_retries=0)))
    with pytest.raises(SourceChanged, match="its bytes are others now"):
        PutUrl().move(offered, GRANTED | {"url": server.url + GRANTED["url"]}, never, store)
    store.close()


def test_a_body_that_cannot_be_built_leaves_no_thread(monkeypatch):
    """What interrupts it there is nobody's to close yet."""

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(put_url, "Hashing", interrupted)
    content = bytes(2 * WORTH_A_THREAD)
    begun = FingerprintedHashers(["sha512"], Fingerprint())
    begun.update(content[:1])
    measured = Measured(len(content), "", Fingerprint(), [begun])
    with pytest.raises(KeyboardInterrupt):
        CheckedBody(io.BytesIO(content), Offer(source_for(content), measured, "text/plain", Reporter("test", 5)))
    assert not running("taskcluster-measuring")


def test_a_signal_that_strikes_the_closing_is_raised_when_all_is_closed(monkeypatch):
    closed = CheckedBody.close
    calls = []

    def close(body):
        calls.append(body)
        if len(calls) == 1:
            raise KeyboardInterrupt
        closed(body)

    monkeypatch.setattr(CheckedBody, "close", close)
    content = bytes(4 * MIB)

    def cut(_url, _headers, body, _size):
        for _ in range(3):
            body.read(MIB)
        assert running("taskcluster-hashing")
        raise KeyboardInterrupt

    store = StoreClient(Network(proxies={}, retry=RetryPolicy(max_retries=0)))
    monkeypatch.setattr(store, "put", cut)
    with pytest.raises(KeyboardInterrupt):
        PutUrl().move(offer(content), GRANTED, never, store)
    assert not running("taskcluster-hashing")

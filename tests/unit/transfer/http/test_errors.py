"""Every answer of a store that is not the wanted one says what to do next."""

from __future__ import annotations

import gzip
import io
import pickle
import time
import tracemalloc
import zlib
from types import SimpleNamespace

import pytest
import urllib3
from urllib3.exceptions import LocationParseError, ProxyError, ReadTimeoutError

from airflow_provider_taskcluster.common.http.strict_response import StrictResponse
from airflow_provider_taskcluster.common.retry import RETRIABLE_STATUSES
from airflow_provider_taskcluster.transfer.http.errors import connection_error, status_error

URL = "https://store.example.com/a?sig=secret"
PASSES = "; it may pass: let the task try again"
ASK = "ask those who run this store"


def answer(status, body=b"", **headers):
    file = io.BufferedReader(body if hasattr(body, "read") else io.BytesIO(body))
    read = StrictResponse(SimpleNamespace(makefile=lambda _: file), method="GET")
    read.chunked, read.length, read.will_close = False, None, True
    response = urllib3.HTTPResponse(
        read,
        {name.replace("_", "-"): value for name, value in headers.items()},
        status,
        reason="Said So",
        original_response=read,
        preload_content=False,
        decode_content=False,
    )
    return status_error(response, "GET", URL)


def answered(status, body=b"", **headers):
    return str(answer(status, body, **headers))


def s3_error(code):
    return f"<Error><Code>{code}</Code><Message>Said so</Message></Error>".encode()


@pytest.mark.parametrize("status", sorted(RETRIABLE_STATUSES & {408, 425, 429, 500, 502, 503, 504, 507}))
def test_what_may_pass(status):
    assert answered(status) == f"GET https://store.example.com/a failed: the store answered {status} (Said So){PASSES}"


@pytest.mark.parametrize(
    ("status", "next_step"),
    [
        (302, f"which is refused: {ASK}"),
        (400, f"; {ASK}"),
        (401, f"; try again with a new URL, and if it stays so {ASK}"),
        (403, f"; try again with a new URL, and if it stays so {ASK}"),
        (404, "; it has expired, or was never stored: have it made again"),
        (407, "; write the login of the proxy into its URL"),
        (410, "; it has expired: have it made again"),
        (413, "; the store takes no file of this size: upload it in parts (multipart='always')"),
    ],
)
def test_what_will_not(status, next_step):
    assert answered(status).endswith(next_step)


def test_what_the_store_says_comes_before_it():
    said = answered(400, b"<Error><Code>Odd</Code><Message>Very odd</Message></Error>")
    assert said.endswith(f"(Odd: Very odd); {ASK}")


@pytest.mark.parametrize(("status", "code"), [(400, "RequestTimeout"), (409, "OperationAborted")])
def test_what_s3_means_to_pass(status, code):
    error = answer(status, s3_error(code))
    assert error.transient
    assert str(error).endswith(f"({code}: Said so){PASSES}")


@pytest.mark.parametrize("code", ["ExpiredToken", "TokenRefreshRequired"])
def test_credentials_of_a_url_that_ran_out_before_it_are_a_grant_refused(code):
    error = answer(400, s3_error(code))
    assert error.refuses_grant
    assert not error.transient
    assert str(error).endswith(f"; try again with a new URL, and if it stays so {ASK}")
    assert pickle.loads(pickle.dumps(error)).code == code


def test_other_400s_are_neither():
    error = answer(400, s3_error("EntityTooLarge"))
    assert not error.refuses_grant
    assert not error.transient


@pytest.mark.parametrize(
    ("error", "next_step"),
    [
        (LocationParseError("host"), ": ask those who gave it"),
        (ProxyError("no", ConnectionRefusedError(111, "no")), "; is it up, and its URL right?"),
        (ReadTimeoutError(None, URL, "no"), f"no answer in time{PASSES}, and see that this worker reaches it"),
    ],
)
def test_no_answer_at_all(error, next_step):
    said = str(connection_error("GET", URL, error, "http://proxy:1"))
    assert said.endswith(next_step)
    assert "secret" not in said


HOSTILE = [
    b"<Code>" * 150 + b"</Code><Message>" * 180,
    b"<Code></Code><Message>" * 3000,
    b"<Code>" * 11_000,
    b"<" * 65_536,
]


@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_error_is_read_at_once(body):
    started = time.process_time()
    assert len(answered(500, body)) < 1000
    assert time.process_time() - started < 0.5


def test_a_code_alone_is_told_and_an_element_that_is_cut_is_not():
    assert answer(400, b"<Error><Code>Odd</Code>").code == "Odd"
    assert answered(400, b"<Error><Code>Odd</Code>").endswith(f"(Odd); {ASK}")
    assert answered(400, b"<Error><Code>Odd").endswith(f"(Said So); {ASK}")
    assert answered(400, b"<Code>Odd</Code><Message>Never en").endswith(f"(Odd); {ASK}")


def test_an_encoded_error_is_decoded():
    assert answer(400, gzip.compress(s3_error("BadDigest")), Content_Encoding="gzip").transient
    for encoding in ("gzip", "br"):
        assert answered(400, b"neither", Content_Encoding=encoding).endswith(f"(Said So); {ASK}")


class Endless(io.RawIOBase):
    """Zeros without end."""

    taken = 0

    def readable(self):
        return True

    def readinto(self, buffer):
        self.taken += len(buffer)
        buffer[:] = bytes(len(buffer))
        return len(buffer)


def test_no_more_of_an_error_is_read_than_64_kib():
    endless = Endless()
    answer(500, endless)
    assert 0 < endless.taken <= 64 * 1024


def test_no_more_of_an_error_is_decoded_than_64_kib():
    compressor = zlib.compressobj(wbits=31)
    bomb = b"".join([*(compressor.compress(bytes(1 << 20)) for _ in range(60)), compressor.flush()])
    assert len(bomb) < 64 * 1024
    tracemalloc.start()
    try:
        answer(500, bomb, Content_Encoding="gzip")
        assert tracemalloc.get_traced_memory()[1] < 5 << 20
    finally:
        tracemalloc.stop()

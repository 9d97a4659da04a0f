from __future__ import annotations

import contextlib
import gzip
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_taskcluster.common.http.encoding import decoder_for
from airflow_provider_taskcluster.exceptions import TransferError, Truncated

if TYPE_CHECKING:
    import random

TEXT = b"It was the best of times, it was the worst of times. " * 7
BODY = gzip.compress(TEXT, mtime=0)


def decoded(body: bytes, encoding: str = "gzip", *, piece: int = 1000, chunk: int = 64) -> bytes:
    """Decode chunk by chunk, in one buffer that is used again, as the store gives it out."""
    decoder = decoder_for(encoding, piece)
    buffer = memoryview(bytearray(chunk))
    content = bytearray()
    for start in range(0, len(body), chunk):
        part = body[start : start + chunk]
        buffer[: len(part)] = part
        for got in decoder.decode(buffer[: len(part)]):
            assert 0 < len(got) <= max(piece, chunk)
            content += got
    decoder.finish()
    return bytes(content)


@pytest.mark.parametrize("encoding", ["", "identity", "Identity", " identity "])
def test_identity_passes_as_it_came(encoding):
    assert decoded(TEXT, encoding) == TEXT
    assert decoded(b"", encoding) == b""


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP", " gzip "])
def test_gzip_is_decoded(encoding):
    assert decoded(BODY, encoding) == TEXT


@pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "gzip, gzip", "identity, gzip"])
def test_an_encoding_that_nobody_asked_for_is_refused(encoding):
    with pytest.raises(TransferError, match="which was not asked for"):
        decoder_for(encoding, 1000)


def test_an_encoding_that_is_a_url_is_told_without_its_secrets():
    with pytest.raises(TransferError, match="which was not asked for") as caught:
        decoder_for("https://user:c0ffee@host/?c0ffee\n", 1000)
    assert "c0ffee" not in str(caught.value)
    assert str(caught.value).isprintable()


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=4), st.integers(1, 50), st.integers(1, 50))
def test_any_members_in_any_chunks_and_pieces_come_out_whole(contents, piece, chunk):
    body = b"".join(gzip.compress(content) for content in contents)
    assert decoded(body, piece=piece, chunk=chunk) == b"".join(contents)


def test_the_gzip_of_nothing_is_nothing():
    assert decoded(gzip.compress(b"")) == b""


@pytest.mark.parametrize("length", range(len(BODY)))
def test_a_gzip_cut_at_any_byte_is_truncated(length):
    with pytest.raises(Truncated, match="before its trailer"):
        decoded(BODY[:length])


@pytest.mark.parametrize("length", range(1, len(BODY)))
def test_a_second_member_cut_at_any_byte_is_truncated(length):
    with pytest.raises(Truncated, match="before its trailer"):
        decoded(BODY + BODY[:length])


@pytest.mark.parametrize("garbage", [b"garbage", b"\0" * 8, b"<html>"])
@pytest.mark.parametrize("chunk", [1, len(BODY), 1000])
def test_garbage_after_the_last_member_is_refused(garbage, chunk):
    with pytest.raises(TransferError, match=r"broken|before its trailer"):
        decoded(BODY + garbage, chunk=chunk)


def test_a_body_that_is_no_gzip_is_refused():
    with pytest.raises(TransferError, match="The gzip body is broken") as caught:
        decoded(b"plain text")
    assert not caught.value.transient


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("position", range(len(BODY)))
def test_a_flipped_byte_is_noticed_or_harmless_whatever_the_pieces(position, piece):
    """Some bytes of the header (time, system) carry no content."""
    broken = bytearray(BODY)
    broken[position] ^= 0xFF
    try:
        assert decoded(bytes(broken), piece=piece, chunk=len(BODY)) == TEXT
    except TransferError:
        assert position not in {4, 5, 6, 7, 8, 9}


@given(st.randoms(use_true_random=False), st.integers(1, 9))
def test_broken_random_content_raises_nothing_but_our_errors(source: random.Random, piece):
    body = bytearray(gzip.compress(source.randbytes(60) * 3))
    body[source.randrange(len(body))] = source.randrange(256)
    body = bytes(body[: source.randrange(len(body) + 1)])
    with contextlib.suppress(TransferError):
        decoded(body, piece=piece, chunk=1 + source.randrange(len(body) + 1))


def test_damage_that_shows_only_in_what_waits_inside_is_our_error_too():
    """Found by chance: the input is used up, and the flaw comes out with the last pieces."""
    broken = bytes.fromhex("1f8b08000000000002033a4c4a1cd4100069859b5ba0000000")
    with pytest.raises(TransferError, match=r"broken: .* invalid distance"):
        decoded(broken, piece=1, chunk=5)


def test_a_gzip_bomb_comes_out_in_bounded_pieces():
    huge = 50_000_000
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join([*(packer.compress(bytes(1_000_000)) for _ in range(50)), packer.flush()])
    assert len(bomb) < 60_000
    decoder = decoder_for("gzip", 100_000)
    sizes = [len(piece) for piece in decoder.decode(memoryview(bomb))]
    decoder.finish()
    assert sum(sizes) == huge
    assert max(sizes) <= 100_000


def test_a_reader_of_a_bomb_may_stop_after_the_first_piece():
    decoder = decoder_for("gzip", 1000)
    bomb = gzip.compress(bytes(10_000_000))
    assert len(next(iter(decoder.decode(memoryview(bomb))))) == 1000

"""Memory of multi-part uploads from sources that cannot be read in parallel."""

from __future__ import annotations

import io
import tracemalloc

import pytest

MIB = 1 << 20
PART = 16 * MIB
PARTS = 8
# What hashing and sending take beside the parts, for each connection (buffers of 1 MiB).
BESIDE = 8 * MIB


class Zeros(io.RawIOBase):
    """A source that cannot seek, and holds nothing itself."""

    def __init__(self):
        self._left = PARTS * PART

    def readable(self):
        return True

    def read(self, size=-1):
        size = min(size, self._left)
        self._left -= size
        return bytes(size)


@pytest.fixture
def peak(tc, hook, name, expires):
    """Upload, and return the most bytes that were held at a time (the emulator is in this process, too)."""

    def upload(source, connections):
        hook.upload_object(b"warm", f"{name}-warm", expires=expires, multipart="always")
        options = {"multipart": "always", "part_size": PART, "connections": connections}
        tracemalloc.start()
        try:
            assert hook.upload_object(source, name, expires=expires, **options).size == PARTS * PART
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    return upload


def test_a_stream_holds_one_part(peak):
    assert PART < peak(Zeros(), 4) < PART + BESIDE


@pytest.mark.parametrize("connections", [1, 2, 4])
def test_the_readers_of_a_factory_hold_a_part_for_each_connection(peak, connections):
    assert PART < peak(Zeros, connections) < connections * (PART + BESIDE)

"""A finished transfer releases its memory."""

from __future__ import annotations

import gc
import os

from airflow_provider_taskcluster.transfer.threads.buffers import BufferPool
from benchmarks.usage import Peak

MIB = 1 << 20
DATA = os.urandom(3 * MIB)


def test_downloads_that_ended_hold_no_buffers_even_before_the_garbage_collector_runs(hook, name, expires, tmp_path):
    hook.upload_object(DATA, name, expires=expires, multipart="always", part_size=MIB)
    hook.upload_object(DATA, f"{name}-whole", expires=expires)
    gc.collect()
    gc.disable()
    try:
        hook.download_object(name, tmp_path / "parts")
        hook.download_object(f"{name}-whole", tmp_path / "whole")
        pools = [
            thing for thing in gc.get_objects() if type(thing) is BufferPool
        ]  # no isinstance: lazy proxies would load what they stand for
        held = [pool for pool in pools if pool._free]
    finally:
        gc.enable()
    assert not held


def test_a_large_file_is_written_and_read_in_pieces(fs, name):
    size, piece = 128 * MIB, os.urandom(MIB)
    peak = Peak()
    with fs.open(f"objects/{name}", "wb") as file:
        for _ in range(size // MIB):
            file.write(piece)
    with fs.open(f"objects/{name}") as file:
        assert file.size == size
        while data := file.read(MIB):
            assert data == piece
    assert peak.grown() < 64 * MIB

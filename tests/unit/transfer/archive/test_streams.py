"""Compressed archives of several streams: what follows the first must be another one, or padding that is allowed."""

from __future__ import annotations

import lzma
import os
import subprocess
import sys
import tarfile
import time

import pytest
import zstandard
from archives_to_extract import COMPRESS, refused, tar_of, tree

from airflow_provider_taskcluster.exceptions import ArchiveRefused
from airflow_provider_taskcluster.transfer.archive.extract import extract

COMPRESSED = [".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst"]
FILES = [("a", b"1" * 700), ("b", b"2" * 700), ("c", b"3" * 700)]
WHOLE = tar_of(FILES)
# Headers and content of the first file end here.
FIRST = 1536
SKIPPED = b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc"  # RFC 8878, 3.1.2


def streams(kind):
    """The archive in two streams, the first of which ends where a file does."""
    return COMPRESS[kind](WHOLE[:FIRST]), COMPRESS[kind](WHOLE[FIRST:])


def extracted(outside, tmp_path, data):
    (tmp_path / "a").write_bytes(data)
    extract(tmp_path / "a", outside / "in")
    return tree(outside / "in") == dict(FILES)


def is_refused_or_whole(outside, tmp_path, data):
    """Extract, and tell whether it was refused; then nothing is left, else all is there."""
    (tmp_path / "a").write_bytes(data)
    try:
        extract(tmp_path / "a", outside / "in")
    except ArchiveRefused:
        assert not list((outside / "in").iterdir())
        return True
    assert tree(outside / "in") == dict(FILES)
    for path in (outside / "in").iterdir():
        path.unlink()
    return False


@pytest.mark.parametrize("kind", COMPRESSED)
def test_all_streams_are_read(outside, tmp_path, kind):
    first, second = streams(kind)
    empty = COMPRESS[kind](b"")
    assert extracted(outside, tmp_path, empty + first + empty + empty + second + empty)


@pytest.mark.parametrize("kind", COMPRESSED)
def test_many_small_streams_are_read(outside, tmp_path, kind):
    pieces = [WHOLE[start : start + 10] for start in range(0, len(WHOLE), 10)]
    assert extracted(outside, tmp_path, b"".join(COMPRESS[kind](piece) for piece in pieces))


@pytest.mark.parametrize("kind", COMPRESSED)
def test_a_second_stream_that_is_cut_anywhere_is_refused(outside, tmp_path, kind):
    first, second = streams(kind)
    for end in range(len(second)):
        assert is_refused_or_whole(outside, tmp_path, first + second[:end]), end


@pytest.mark.parametrize("kind", COMPRESSED)
def test_a_second_stream_that_is_damaged_anywhere_loses_nothing(outside, tmp_path, kind):
    first, second = streams(kind)
    bad = [
        place
        for place in range(len(second))
        if is_refused_or_whole(
            outside, tmp_path, first + second[:place] + bytes([second[place] ^ 0xFF]) + second[place + 1 :]
        )
    ]
    assert len(bad) > len(second) * 0.8, "what does not matter is rare: a time, an operating system"


@pytest.mark.parametrize("kind", COMPRESSED)
@pytest.mark.parametrize(
    "garbage", [b"x", b"garbage" * 99, b"\x1f\x8b", b"BZh9", b"\xfd7zXZ\x00", b"\0\0\0\0x", b"\0" * 5 + b"x"]
)
def test_garbage_is_refused(outside, tmp_path, kind, garbage):
    first, second = streams(kind)
    for data in (first + second + garbage, first + garbage + second):
        assert is_refused_or_whole(outside, tmp_path, data)


@pytest.mark.parametrize("kind", COMPRESSED)
def test_a_stream_of_another_format_is_refused(outside, tmp_path, kind):
    alone = lzma.compress(WHOLE[FIRST:], format=lzma.FORMAT_ALONE)
    for other in [alone, *(streams(other)[1] for other in set(COMPRESSED) - {kind})]:
        assert is_refused_or_whole(outside, tmp_path, streams(kind)[0] + other)


def test_a_format_that_nobody_reads_is_refused(outside, tmp_path):
    assert is_refused_or_whole(outside, tmp_path, lzma.compress(WHOLE, format=lzma.FORMAT_ALONE))


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (".tar.gz", [1, 2, 3, 4, 511, 70_000], []),
        (".tar.xz", [4, 8, 512, 70_000], [1, 2, 3, 5, 6, 7, 70_001]),
        (".tar.bz2", [], [1, 4, 512]),
        (".tar.zst", [], [1, 4, 512]),
    ],
)
def test_padding_is_what_the_format_allows(outside, tmp_path, kind, good, bad):
    first, second = streams(kind)
    for length in good:
        zeros = bytes(length)
        assert extracted(outside, tmp_path, first + zeros + second + zeros), length
    for path in (outside / "in").glob("*"):
        path.unlink()
    for length in bad:
        for data in (first + second + bytes(length), first + bytes(length) + second):
            assert is_refused_or_whole(outside, tmp_path, data), length


@pytest.mark.parametrize("kind", COMPRESSED)
def test_padding_before_the_first_stream_is_refused(outside, tmp_path, kind):
    assert is_refused_or_whole(outside, tmp_path, bytes(4) + b"".join(streams(kind)))


@pytest.mark.parametrize("kind", [".tar.gz", ".tar.xz"])
def test_padding_without_end_is_refused_at_once(made, outside, kind):
    archive = made(kind, FILES)
    os.truncate(archive, 10**12)
    begun = time.monotonic()
    refused(archive, outside, "zero bytes are behind a compressed stream")
    assert time.monotonic() - begun < 20


def test_frames_to_skip_are_skipped(outside, tmp_path):
    """Pzstd begins with one."""
    first, second = streams(".tar.zst")
    assert extracted(outside, tmp_path, SKIPPED + first + SKIPPED + second + SKIPPED)
    for end in range(1, len(SKIPPED)):
        (tmp_path / "a").write_bytes(first + second + SKIPPED[:end])
        with pytest.raises(ArchiveRefused):
            extract(tmp_path / "a", outside / "in")


def test_what_zstd_makes_of_little_takes_no_memory(outside, tmp_path):
    """Blocks of four bytes, each of which stands for 128 KiB of zeros (RFC 8878, 3.1.1.2)."""
    header = tarfile.TarInfo("zeros")
    header.size = 10**12
    first = zstandard.ZstdCompressor().compress(header.tobuf())
    block = (1 << 1 | 128 * 1024 << 3).to_bytes(3, "little") + b"\0"
    (tmp_path / "a.tar.zst").write_bytes(first + b"\x28\xb5\x2f\xfd\x00\x58" + block * 20_000)
    code = f"""
import resource
from airflow_provider_taskcluster.exceptions import TooLarge
from airflow_provider_taskcluster.transfer.archive.extract import extract
from airflow_provider_taskcluster.transfer.archive.extraction_limits import ExtractionLimits
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    extract({str(tmp_path / "a.tar.zst")!r}, {str(outside / "in")!r}, ExtractionLimits(max_bytes=100_000_000))
except TooLarge:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    grown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert int(grown.stdout.split()[-1]) < 100_000


def test_what_xz_needs_in_memory_is_bounded(outside, tmp_path):
    wide = [{"id": lzma.FILTER_LZMA2, "preset": 1, "dict_size": 1024**3}]
    (tmp_path / "a.tar.xz").write_bytes(lzma.compress(WHOLE, filters=wide))
    refused(tmp_path / "a.tar.xz", outside, "cannot be extracted: Memory usage limit exceeded")


def test_what_zstd_needs_in_memory_is_bounded(outside, tmp_path):
    wide = zstandard.ZstdCompressionParameters(window_log=31, enable_ldm=True)
    stream = zstandard.ZstdCompressor(compression_params=wide).compressobj()
    (tmp_path / "a.tar.zst").write_bytes(stream.compress(WHOLE) + stream.flush())
    refused(tmp_path / "a.tar.zst", outside, "cannot be extracted: .*too much memory")


@pytest.fixture
def without(preloaded):
    """Return what a Python says that lacks some modules."""

    def says(modules, call):
        code = f"""
import sys
from airflow_provider_taskcluster.transfer.archive.extract import extract
from airflow_provider_taskcluster.transfer.archive.formats import check_supported
for module in {modules!r}:
    for name in [name for name in sys.modules if name == module or name.startswith(module + '.')]:
        del sys.modules[name]
    sys.modules[module] = None
{call}
"""
        return preloaded.finished(code).stderr

    return says


@pytest.mark.parametrize("name", ["a.tar.zst", "anything"])
def test_without_zstd_the_error_says_what_to_install(outside, tmp_path, without, name):
    (tmp_path / name).write_bytes(COMPRESS[".tar.zst"](WHOLE))
    failed = without(["zstandard", "compression"], f"extract({str(tmp_path / name)!r}, {str(outside / 'in')!r})")
    assert f"/{name}' cannot be extracted: zstd is not supported by this Python: install" in failed
    assert "ArchiveRefused" in failed
    assert "airflow-provider-taskcluster[zstd]" in failed
    assert not list((outside / "in").iterdir())


@pytest.mark.parametrize("name", ["public/a.tar.zst", "B.TZST"])
def test_without_zstd_a_name_is_enough_to_tell(without, name):
    failed = without(["zstandard", "compression"], f"check_supported('a.tar.xz'), check_supported({name!r})")
    assert f"ArchiveRefused: {name!r} cannot be extracted: zstd is not supported" in failed


@pytest.mark.parametrize(("module", "kind"), [("bz2", ".tar.bz2"), ("lzma", ".tar.xz")])
def test_a_python_that_was_built_without_a_format_says_so_and_extracts_others(made, outside, without, module, kind):
    inside = str(outside / "in")
    good, bad = str(made(".tar.gz", FILES)), str(made(kind, FILES))
    blocked = [module, f"_{module}"]
    failed = without(blocked, f"extract({good!r}, {inside!r}), extract({bad!r}, {inside!r} + '2')")
    assert "ArchiveRefused" in failed
    assert "is not supported by this Python: use a complete Python" in failed
    assert tree(outside / "in") == dict(FILES)

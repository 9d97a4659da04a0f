"""Archives that are larger than allowed, or than they say."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import pytest
from archives_to_extract import BOTH, KINDS, refused, tar_member, zip_member

from airflow_provider_taskcluster.exceptions import TooLarge
from airflow_provider_taskcluster.transfer.archive.extract import extract
from airflow_provider_taskcluster.transfer.archive.extraction_limits import ExtractionLimits


@pytest.mark.parametrize("kind", KINDS)
def test_a_bomb_ends_at_the_limit(made, outside, kind):
    archive = made(kind, [("zeros", bytes(50_000_000))])
    limits = ExtractionLimits(max_bytes=10_000_000)
    refused(archive, outside, "holds more than 10000000 bytes: raise max_bytes", TooLarge, limits)
    assert extract(archive, outside / "in", ExtractionLimits(max_bytes=50_000_000)).size == 50_000_000


def test_a_zip_that_lies_about_a_size_is_refused(made, outside):
    archive = made(".zip", [("zeros", bytes(1_000_000))])
    size = (1_000_000).to_bytes(4, "little")
    assert archive.read_bytes().count(size) == 2
    archive.write_bytes(archive.read_bytes().replace(size, (10).to_bytes(4, "little")))
    refused(archive, outside, "cannot be extracted: .*CRC")


@pytest.mark.parametrize("kind", BOTH)
def test_too_many_files_end_at_the_limit(made, outside, kind):
    archive = made(kind, [(f"{number}", b"") for number in range(101)])
    refused(archive, outside, "more than 100 files: raise max_files", TooLarge, ExtractionLimits(max_files=100))
    assert extract(archive, outside / "in", ExtractionLimits(max_files=101)).files == 101


@pytest.mark.parametrize("kind", BOTH)
def test_folders_on_the_way_count_too(made, outside, kind):
    archive = made(kind, [("/".join("d" * 50) + f"/{number}", b"") for number in range(50)])
    refused(archive, outside, "more than 99 files", TooLarge, ExtractionLimits(max_files=99))
    assert extract(archive, outside / "in", ExtractionLimits(max_files=100)).files == 50


def test_a_directory_of_a_zip_that_is_far_too_large_is_not_even_read(outside, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for number in range(40):
            info = zip_member(f"{number}")
            info.comment = b"c" * 60_000
            archive.writestr(info, b"")
    refused(tmp_path / "a.zip", outside, "larger than all that is allowed", TooLarge, ExtractionLimits(max_files=100))


def test_a_name_in_a_tar_that_is_far_too_large_is_not_even_read(outside, tmp_path):
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(*tar_member("n" * 50_000_000, b""))
    refused(tmp_path / "a.tar.gz", outside, "larger than all that is allowed", TooLarge, ExtractionLimits(max_files=9))


def test_memory_does_not_grow_with_what_is_in_it(outside, tmp_path, preloaded):
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz", compresslevel=1) as archive:
        member = tarfile.TarInfo("zeros")
        member.size = 200_000_000
        with Path("/dev/zero").open("rb") as zeros:
            archive.addfile(member, zeros)
    code = f"""
import resource
from airflow_provider_taskcluster.transfer.archive.extract import extract
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
extract({str(tmp_path / "a.tar.gz")!r}, {str(outside / "in")!r})
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    grown = preloaded.finished(code, check=True)
    assert int(grown.stdout.split()[-1]) < 30_000

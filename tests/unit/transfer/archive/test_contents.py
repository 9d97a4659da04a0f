"""Good archives: what is in them comes out."""

from __future__ import annotations

import os
import stat
import subprocess

import pytest
from archives_to_extract import KINDS, NOISE, tree

from airflow_provider_taskcluster.transfer.archive.extract import Extracted, extract
from airflow_provider_taskcluster.transfer.archive.reader import is_archive


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_in_an_archive_comes_out(made, outside, kind):
    files = [("a", b"1"), ("./b/c", NOISE), ("b/d", b""), ("b/up", ("link", "../a")), ("empty/", b""), ("b//e", b"5")]
    result = extract(made(kind, files), outside / "in" / "new")
    assert tree(outside / "in" / "new") == {
        "a": b"1",
        "b/c": NOISE,
        "b/d": b"",
        "b/e": b"5",
        "b/up": ("link", "../a"),
    }
    assert (outside / "in" / "new" / "empty").is_dir()
    assert result == Extracted(str(outside / "in" / "new"), 5, len(NOISE) + 2)
    assert is_archive(f"public/x{kind.upper()}")


@pytest.mark.parametrize("name", ["a.txt", "a.gz", "zip", "a.zip.sha256", "a.7z"])
def test_other_files_are_no_archives(name):
    assert not is_archive(name)


def test_what_python_and_tar_pack_comes_out_as_it_was(outside, tmp_path):
    source = tmp_path / "source"
    (source / "bin").mkdir(parents=True)
    (source / "bin" / "run").write_bytes(b"#!")
    (source / "bin" / "run").chmod(0o6775)
    (source / "bin" / "other").hardlink_to(source / "bin" / "run")
    (source / ("n" * 150)).write_text("a long name")
    (source / "sparse").write_bytes(b"x")
    os.truncate(source / "sparse", 2_000_000)
    subprocess.run(["tar", "-C", source, "-czSf", tmp_path / "a.tar.gz", "."], check=True)
    extract(tmp_path / "a.tar.gz", outside / "in")
    assert tree(outside / "in") == tree(source)
    run = (outside / "in" / "bin" / "run").stat()
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(run.st_mode) == 0o777 & ~umask, "executable, and neither setuid nor setgid"
    assert stat.S_IMODE((outside / "in" / "sparse").stat().st_mode) == 0o666 & ~umask
    assert run.st_nlink == 2

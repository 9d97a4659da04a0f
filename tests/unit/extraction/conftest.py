"""A folder to extract into, and archives to extract."""

from __future__ import annotations

import stat
import tarfile
import zipfile

import pytest
from archives_to_extract import TAR, tar_member, zip_member


@pytest.fixture
def outside(tmp_path):
    """The folder around the destination, in which nothing may change."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "precious").write_text("untouched")
    return folder


@pytest.fixture
def made(outside):
    """Make an archive of one kind from names and contents; a content may be ("link", target)."""

    def make(kind, files):
        path = outside.parent / f"archive{kind}"
        if kind == ".zip":
            with zipfile.ZipFile(path, "w") as archive:
                for name, content in files:
                    link = isinstance(content, tuple)
                    info = zip_member(name, stat.S_IFLNK | 0o777 if link else stat.S_IFREG | 0o644)
                    archive.writestr(info, content[1] if link else content)
            return path
        with tarfile.open(path, f"w:{TAR[kind]}") as archive:
            for name, content in files:
                if isinstance(content, tuple):
                    archive.addfile(*tar_member(name, kind=tarfile.SYMTYPE, target=content[1]))
                elif name.endswith("/"):
                    archive.addfile(*tar_member(name, kind=tarfile.DIRTYPE, mode=0o755))
                else:
                    archive.addfile(*tar_member(name, content))
        return path

    return make

"""A folder to extract into, and archives to extract."""

from __future__ import annotations

import stat
import zipfile

import pytest
from archives_to_extract import COMPRESS, tar_of, zip_member


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
        path.write_bytes(COMPRESS[kind](tar_of(files)))
        return path

    return make

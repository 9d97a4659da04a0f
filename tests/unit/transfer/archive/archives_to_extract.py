"""Archives of all kinds, and what they leave in a folder."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import stat
import tarfile
import zipfile

import pytest
import zstandard

from airflow_provider_taskcluster.exceptions import ArchiveRefused
from airflow_provider_taskcluster.transfer.archive.extract import extract

COMPRESS = {
    ".tar": bytes,
    ".tar.gz": gzip.compress,
    ".tgz": gzip.compress,
    ".tar.bz2": bz2.compress,
    ".tar.xz": lzma.compress,
    ".tar.zst": zstandard.ZstdCompressor(write_checksum=True).compress,
}
KINDS = [".zip", *COMPRESS]
BOTH = [".zip", ".tar.gz"]
NOISE = random.Random(7).randbytes(3_000_000)


def tar_member(name, content=b"", *, kind=tarfile.REGTYPE, target="", mode=0o644):
    member = tarfile.TarInfo(name)
    member.size, member.type, member.linkname, member.mode = len(content), kind, target, mode
    return member, io.BytesIO(content)


def tar_of(files, **options):
    """Pack names and contents; a content may be ("link", target)."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", **options) as archive:
        for name, content in files:
            if isinstance(content, tuple):
                archive.addfile(*tar_member(name, kind=tarfile.SYMTYPE, target=content[1]))
            elif name.endswith("/"):
                archive.addfile(*tar_member(name, kind=tarfile.DIRTYPE, mode=0o755))
            else:
                archive.addfile(*tar_member(name, content))
    return packed.getvalue()


def zip_member(name, mode=stat.S_IFREG | 0o644):
    info = zipfile.ZipInfo(name)
    info.filename = info.orig_filename = name
    info.external_attr = mode << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def tree(folder):
    """Names below a folder, with the content of files and the target of links."""
    return {
        str(path.relative_to(folder)): ("link", str(path.readlink())) if path.is_symlink() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or not path.is_dir()
    }


def refused(archive, outside, why, error=ArchiveRefused, limits=None):
    """Nothing is left of an archive that is refused, inside or outside."""
    folder = outside / "in"
    with pytest.raises(error, match=why) as caught:
        extract(archive, folder, limits)
    assert tree(outside) == {"precious": b"untouched"}
    assert not list(folder.iterdir())
    assert "\n" not in str(caught.value)
    return caught.value

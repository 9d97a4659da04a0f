"""Yields the entries of an archive, .zip or .tar.*, in order. Writes nothing.

Archives are taken as hostile: apart from the content of files, which the caller counts, reads are bounded by the number
of entries. A broken archive raises one error, whatever the libraries raise.
"""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast

from airflow_provider_taskcluster.common.messages import one_line
from airflow_provider_taskcluster.exceptions import ArchiveRefused, TaskclusterError
from airflow_provider_taskcluster.transfer.archive.formats import MAGIC, SUFFIXES, format_of
from airflow_provider_taskcluster.transfer.archive.streams import CompressedReader
from airflow_provider_taskcluster.transfer.archive.tar import tar_entries
from airflow_provider_taskcluster.transfer.archive.zip import MAGICS, zip_entries
from airflow_provider_taskcluster.transfer.config import KIB, MIB

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from airflow_provider_taskcluster.transfer.archive.entry import ArchiveEntry

# Bytes of an entry besides its content: headers, a name, a line of the directory.
OVERHEAD = 2 * KIB


def is_archive(name: str) -> bool:
    """Tell by its name whether a file is an archive that can be extracted."""
    return name.lower().endswith((".zip", ".tar", *SUFFIXES))


@contextmanager
def archive_errors(archive: Path) -> Iterator[None]:
    """Turn all errors of reading an archive into ``ArchiveRefused``.

    :raises ArchiveRefused: The archive is broken, or of an unknown kind.
    """
    try:
        yield
    except TaskclusterError:
        raise
    except Exception as error:  # (zipfile, tarfile and the decompressors raise a dozen kinds)
        reason = one_line(error) or type(error).__name__
        raise ArchiveRefused(f"{str(archive)!r} cannot be extracted: {reason}; have it packed again") from error


def archive_entries(archive: Path, max_entries: int) -> Generator[ArchiveEntry]:
    """Yield the entries of an archive.

    :param max_entries: Bounds the size of headers and directories; the caller counts the entries.
    :raises ArchiveRefused: The archive is broken, encrypted, of an unknown kind, or has an entry that is neither file,
        folder nor link.
    """
    max_bytes = max(MIB, max_entries * OVERHEAD)
    with archive_errors(archive), archive.open("rb") as file:
        first = file.read(MAGIC)
        file.seek(0)
        if first.startswith(MAGICS):
            yield from zip_entries(file, max_bytes)
        elif compression := format_of(first, str(archive)):
            with io.BufferedReader(CompressedReader(file, compression)) as content:
                yield from tar_entries(cast("BinaryIO", content), max_bytes)
        else:
            yield from tar_entries(file, max_bytes)

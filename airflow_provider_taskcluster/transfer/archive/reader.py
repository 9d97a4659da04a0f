"""What is in an archive, .zip or .tar.* alike: its entries in order. Nothing is written here.

Archives come from outside and are hostile: besides the content of files, which the caller counts, no more is read than
so many entries can need. A broken archive is one error, whatever the libraries below raise.
"""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast

from airflow_provider_taskcluster.common.messages import one_line
from airflow_provider_taskcluster.exceptions import ArchiveRefused, TaskclusterError
from airflow_provider_taskcluster.transfer.archive.formats import MAGIC, SUFFIXES, format_of
from airflow_provider_taskcluster.transfer.archive.streams import Streams
from airflow_provider_taskcluster.transfer.archive.tar import tar_entries
from airflow_provider_taskcluster.transfer.archive.zip import MAGICS, zip_entries
from airflow_provider_taskcluster.transfer.config import KIB, MIB

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from airflow_provider_taskcluster.transfer.archive.entry import Entry

# What an entry needs besides its content: headers, a name, a line of the directory.
OVERHEAD = 2 * KIB


def is_archive(name: str) -> bool:
    """Tell whether a file of this name is one that can be extracted."""
    return name.lower().endswith((".zip", ".tar", *SUFFIXES))


@contextmanager
def readable(archive: Path) -> Iterator[None]:
    """Turn all that reading an archive may raise into one sentence.

    :raises ArchiveRefused: It is broken, or of a kind that nobody here can read.
    """
    try:
        yield
    except TaskclusterError:
        raise
    except Exception as error:  # (zipfile, tarfile and the decompressors raise a dozen kinds)
        reason = one_line(error) or type(error).__name__
        raise ArchiveRefused(f"{str(archive)!r} cannot be extracted: {reason}; have it packed again") from error


def entries(archive: Path, most: int) -> Generator[Entry]:
    """Yield the entries of an archive.

    :param most: So many are expected at most; what can only be more is refused.
    :raises ArchiveRefused: It is broken, encrypted, of a kind that nobody here can read, or holds what is neither file,
        folder nor link.
    """
    most = max(MIB, most * OVERHEAD)
    with readable(archive), archive.open("rb") as file:
        first = file.read(MAGIC)
        file.seek(0)
        if first.startswith(MAGICS):
            yield from zip_entries(file, most)
        elif compression := format_of(first, str(archive)):
            with io.BufferedReader(Streams(file, compression)) as content:
                yield from tar_entries(cast("BinaryIO", content), most)
        else:
            yield from tar_entries(file, most)

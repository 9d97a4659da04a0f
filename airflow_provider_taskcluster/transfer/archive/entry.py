"""One thing in an archive, of whatever format. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Literal

from airflow_provider_taskcluster.exceptions import ArchiveRefused

if TYPE_CHECKING:
    from collections.abc import Callable

Kind = Literal["file", "folder", "symlink", "hardlink"]


@dataclass(frozen=True)
class Entry:
    """One thing in an archive.

    :param name: As it is written there.
    :param executable: Whether its owner may run it.
    :param target: Of a link, as it is written there.
    :param open: Opens the content of a file, while its archive is open.
    """

    name: str
    kind: Kind
    executable: bool
    target: str
    open: Callable[[], BinaryIO]


def refused(name: str, why: str) -> ArchiveRefused:
    """Return the error of an entry.

    :param name: Of the entry.
    :param why: What is wrong with it, as the end of a sentence about it.
    """
    return ArchiveRefused(f"{name[:200]!r} in the archive {why}: nothing of it was extracted")

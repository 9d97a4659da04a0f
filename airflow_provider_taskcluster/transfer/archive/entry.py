"""An entry of an archive of any format. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Literal

from airflow_provider_taskcluster.exceptions import ArchiveRefused

if TYPE_CHECKING:
    from collections.abc import Callable

Kind = Literal["file", "folder", "symlink", "hardlink"]


@dataclass(frozen=True)
class ArchiveEntry:
    """One file, folder or link in an archive.

    :param name: Name as written in the archive.
    :param executable: Whether its owner may execute it.
    :param target: Target of a link, as written in the archive.
    :param open: Opens the content of a file, while the archive is open.
    """

    name: str
    kind: Kind
    executable: bool
    target: str
    open: Callable[[], BinaryIO]


def entry_refused(name: str, reason: str) -> ArchiveRefused:
    """Return the error for a refused entry.

    :param name: Name of the entry.
    :param reason: Predicate of the message, such as ``is encrypted``.
    """
    return ArchiveRefused(f"{name[:200]!r} in the archive {reason}: nothing of it was extracted")

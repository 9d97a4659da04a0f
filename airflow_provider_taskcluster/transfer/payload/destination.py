"""The interface of payload destinations: folders that take the files of a payload."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from airflow_provider_taskcluster.transfer.config import MIB
from airflow_provider_taskcluster.transfer.hashing.digests import Hashers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from airflow_provider_taskcluster.transfer.sink.base import Sink


class Readable(Protocol):
    """An open file."""

    def read(self, size: int, /) -> bytes | None:
        """Return the next bytes."""


@dataclass(frozen=True)
class ExistingFile:
    """A file that exists at the destination.

    :param size: Bytes.
    :param digests: Reads the file, and returns its digests for the given algorithms.
    :param tag: The storage's tag for this content (an ETag), "" if there is none.
    """

    size: int
    digests: Callable[[Iterable[str]], dict[str, str]] = field(repr=False)
    tag: str = ""


class PayloadDestination(Protocol):
    """A folder for the files of a payload. Names are relative paths with ``/``, checked by ``file_names``."""

    url: str
    case_sensitive: bool

    def path_of(self, name: str) -> str:
        """Return the path or URL of a file."""

    def sink(self, name: str) -> Sink:
        """Return the sink of a file.

        :raises NameRefused: Something on the path is neither a file nor a folder.
        """

    def existing(self, name: str) -> ExistingFile | None:
        """Return the existing file of this name, None if there is none.

        :raises NameRefused: Something of this name is no file.
        """

    def tag(self, name: str) -> str:
        """Return the storage's tag of a file that was just written, "" if there is none."""

    def read(self, name: str) -> bytes | None:
        """Return a small file, None if there is none."""

    def write(self, name: str, content: bytes) -> None:
        """Write a small file atomically."""

    def append(self, name: str, line: bytes) -> None:
        """Append a line to a small file, maybe buffered."""

    def flush(self) -> None:
        """Write the buffered lines."""

    def remove(self, name: str) -> None:
        """Remove a small file, if it exists."""

    def close(self) -> None:
        """Release the folder."""


def digests_of(reader: Readable, algorithms: Iterable[str]) -> dict[str, str]:
    """Read a file to its end and return its digests."""
    hashers = Hashers(algorithms)
    while data := reader.read(MIB):
        hashers.update(data)
    return hashers.digests()

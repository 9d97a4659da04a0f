"""Where the files of a payload go."""

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
class Content:
    """A file that is there.

    :param size: Bytes.
    :param digests: Reads it, and returns its digests for these algorithms.
    :param tag: What the storage calls this content; "" where only reading it tells.
    """

    size: int
    digests: Callable[[Iterable[str]], dict[str, str]] = field(repr=False)
    tag: str = ""


class Place(Protocol):
    """A folder. Names are those of files below it, with ``/``; they were checked by ``file_names``."""

    url: str
    case_sensitive: bool

    def path_of(self, name: str) -> str:
        """Path or URL of a file."""

    def sink(self, name: str) -> Sink:
        """Return the sink of a file.

        :raises NameRefused: Something is in the way that is neither a file nor a folder.
        """

    def look(self, name: str) -> Content | None:
        """Return what is there; None for nothing.

        :raises NameRefused: It is something else than a file.
        """

    def tag(self, name: str) -> str:
        """Return what the storage calls the content that a file has just been given, "" where it does not."""

    def read(self, name: str) -> bytes | None:
        """Return a small file, None if there is none."""

    def write(self, name: str, content: bytes) -> None:
        """Put a small file in its place at once."""

    def append(self, name: str, line: bytes) -> None:
        """Append to a small file, now or soon."""

    def settle(self) -> None:
        """Write what was to be written soon."""

    def remove(self, name: str) -> None:
        """Remove a small file, if it is there."""

    def close(self) -> None:
        """Let it go."""


def digests_of(reader: Readable, algorithms: Iterable[str]) -> dict[str, str]:
    """Read a file to its end and return its digests."""
    hashers = Hashers(algorithms)
    while data := reader.read(MIB):
        hashers.update(data)
    return hashers.digests()

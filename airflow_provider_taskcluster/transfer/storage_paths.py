"""Paths in fsspec file systems, such as Airflow's ``ObjectStoragePath``."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from airflow_provider_taskcluster.common.messages import one_line
from airflow_provider_taskcluster.common.retry import TRY_AGAIN
from airflow_provider_taskcluster.exceptions import InvalidInput, TaskclusterError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_taskcluster.exceptions import TransferError

LOCAL = {"file", "local"}
# Protocols whose files are never listed, replaced or deleted.
IMMUTABLE = {"taskcluster"}


class StoragePath(Protocol):
    """A path in an fsspec file system, such as an ``ObjectStoragePath`` or a ``UPath``."""

    @property
    def fs(self) -> Any:
        """An ``fsspec.AbstractFileSystem``."""

    @property
    def path(self) -> str:
        """The path in the file system, without protocol."""


class StorageFile(NamedTuple):
    """A file in an fsspec file system.

    :param fs: The file system.
    :param path: Path of the file in it, without protocol.
    :param url: Name of the file in errors and results.
    """

    fs: Any
    path: str
    url: str

    @property
    def protocols(self) -> set[str]:
        """All protocol names of its file system."""
        names = self.fs.protocol
        return {names} if isinstance(names, str) else set(names)

    @property
    def local(self) -> bool:
        """Whether the file is local."""
        return bool(self.protocols & LOCAL)

    @property
    def immutable(self) -> bool:
        """Whether a file, once written, cannot be listed, replaced or deleted."""
        return bool(self.protocols & IMMUTABLE)


@contextmanager
def storage_errors(kind: type[TransferError], problem: str, kept: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Turn errors of a file system into one of ours, with the next step.

    :param problem: Beginning of the message.
    :param kept: Errors that are left as they are, besides ours.
    :raises kind: The block raised another error.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, (TaskclusterError, *kept)):
            raise
        reason = one_line(error) or type(error).__name__
        raise kind(f"{problem}: {reason}; {TRY_AGAIN}, or check the connection") from error


def is_storage_path(path: object) -> bool:
    """Return whether a path has an fsspec file system, without creating that file system."""
    return all(hasattr(type(path), attribute) for attribute in ("fs", "path"))


def check_local(path: object, argument: str) -> None:
    """Check that an archive, or the folder it is extracted into, is local; ``file://`` URLs are.

    :param argument: Name of the argument, for the error.
    :raises InvalidInput: The path is in another file system.
    """
    scheme, is_url, _ = str(path).partition("://")
    if is_url and scheme not in LOCAL:
        raise InvalidInput(f"{argument} is {str(path)!r}: an archive is extracted from and to paths of this machine")


def storage_file(path: StoragePath) -> StorageFile:
    """Return the file that a path names.

    :raises InvalidInput: Its file system cannot be created: it is not installed, or its connection is wrong.
    """
    try:
        fs, inner = path.fs, path.path
        while getattr(fs, "protocol", "") == "dir":  # fsspec's DirFileSystem: a folder of another file system
            fs, inner = fs.fs, fs._join(inner)  # noqa: SLF001 (there is no other way to the name that it uses)
        return StorageFile(fs, inner, str(path))
    except Exception as error:  # each file system has errors of its own
        raise InvalidInput(
            f"Cannot use {path}: {one_line(error) or type(error).__name__}: "
            f"install the provider of this storage, and check the connection"
        ) from error

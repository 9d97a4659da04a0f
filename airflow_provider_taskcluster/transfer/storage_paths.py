"""Files of fsspec file systems, such as objects in a bucket: what Airflow's ``ObjectStoragePath`` stands for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from airflow_provider_taskcluster.common.messages import one_line
from airflow_provider_taskcluster.common.retry import TRY_AGAIN
from airflow_provider_taskcluster.exceptions import InvalidInput

LOCAL = {"file", "local"}
# Taskcluster: its objects are not listed, and neither replaced nor deleted.
IMMUTABLE = {"taskcluster"}


class StoragePath(Protocol):
    """A path with a file system of fsspec, such as an ``ObjectStoragePath`` or a ``UPath``."""

    @property
    def fs(self) -> Any:
        """An ``fsspec.AbstractFileSystem``."""

    @property
    def path(self) -> str:
        """Where in it, without protocol."""


@dataclass(frozen=True)
class StorageFile:
    """A file in a file system of fsspec.

    :param fs: The file system.
    :param path: Of the file in it, without protocol.
    :param url: Names it in errors and results.
    """

    fs: Any
    path: str
    url: str

    @property
    def protocols(self) -> set[str]:
        """All names of its file system."""
        names = self.fs.protocol
        return {names} if isinstance(names, str) else set(names)

    @property
    def local(self) -> bool:
        """Whether it is a file of this machine."""
        return bool(self.protocols & LOCAL)

    @property
    def immutable(self) -> bool:
        """Whether what is written there stays as it is, and is in no list."""
        return bool(self.protocols & IMMUTABLE)


def reason_of(error: Exception) -> str:
    """Say what a file system raised, of which each has errors of its own, and the next step."""
    return f"{one_line(error) or type(error).__name__}; {TRY_AGAIN}, or check the connection"


def is_storage_path(place: object) -> bool:
    """Tell whether it is a path with a file system of its own. None is made to find out."""
    return all(hasattr(type(place), attribute) for attribute in ("fs", "path"))


def check_local(where: object, what: str) -> None:
    """Check that an archive, or the folder it is extracted into, is of this machine; a ``file://`` URL is.

    :param what: Name of the argument, for the error.
    :raises InvalidInput: It is a file or a folder of a storage.
    """
    scheme, is_url, _ = str(where).partition("://")
    if is_url and scheme not in LOCAL:
        raise InvalidInput(f"{what} is {str(where)!r}: an archive is extracted from and to paths of this machine")


def storage_file(place: StoragePath) -> StorageFile:
    """Return the file that a path names.

    :raises InvalidInput: Its file system cannot be made: nobody has installed it, or its connection is wrong.
    """
    try:
        fs, path = place.fs, place.path
        while getattr(fs, "protocol", "") == "dir":  # fsspec's DirFileSystem: a folder of another file system
            fs, path = fs.fs, fs._join(path)  # noqa: SLF001 (there is no other way to the name that it uses)
        return StorageFile(fs, path, str(place))
    except Exception as error:  # (each file system has errors of its own)
        raise InvalidInput(
            f"Cannot use {place}: {one_line(error) or type(error).__name__}: "
            f"install the provider of this storage, and check the connection"
        ) from error

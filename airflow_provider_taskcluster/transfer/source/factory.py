"""Chooses the source for the argument of a caller."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO, Union, cast

from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.transfer.source.base import (
    BytesSource,
    FactorySource,
    FileSource,
    PathSource,
    Source,
    StreamSource,
    capability_errors,
)
from airflow_provider_taskcluster.transfer.source.reading import Reader
from airflow_provider_taskcluster.transfer.source.storage import storage_source
from airflow_provider_taskcluster.transfer.storage_paths import is_storage_path

if TYPE_CHECKING:
    from airflow_provider_taskcluster.transfer.storage_paths import StoragePath

Uploadable = Union[
    bytes, bytearray, memoryview, str, os.PathLike[str], "StoragePath", BinaryIO, Callable[[], Reader], Source
]


def source_for(source: Uploadable, *, once: bool = False) -> Source:
    """Return the source for bytes, a path, an open binary file, or a reader factory.

    A path is local, or in any fsspec file system.

    :param once: Also accept a file that cannot seek.
    :raises InvalidInput: The argument is none of these, or there is no such file.
    """
    if isinstance(source, Source):
        return source
    if isinstance(source, bytes | bytearray | memoryview):
        return BytesSource(source)
    if is_storage_path(source):
        return storage_source(cast("StoragePath", source))
    if isinstance(source, str | os.PathLike):
        return PathSource(source)
    if isinstance(source, io.TextIOBase):
        raise InvalidInput("The source is open as text: open it in binary mode ('rb')")
    if hasattr(source, "read") and hasattr(source, "seekable") and not isinstance(source, type):
        file = cast("BinaryIO", source)
        with capability_errors(f"open file {getattr(file, 'name', '')!r}"):
            stream = once and file.readable() and not file.seekable()
        return StreamSource(file) if stream else FileSource(file)
    if callable(source):
        return FactorySource(source)
    raise InvalidInput(
        f"Cannot upload a {type(source).__name__}: pass bytes, a path, a binary file or a reader factory"
    )

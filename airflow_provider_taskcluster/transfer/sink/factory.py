"""Chooses the sink for the argument of a caller."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO, Union, cast

from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.transfer.sink.base import FileSink, Sink, Writer, WriterSink
from airflow_provider_taskcluster.transfer.sink.partial_file import PathSink
from airflow_provider_taskcluster.transfer.sink.storage import storage_sink
from airflow_provider_taskcluster.transfer.storage_paths import is_storage_path

if TYPE_CHECKING:
    from airflow_provider_taskcluster.transfer.storage_paths import StoragePath

Destination = Union[str, os.PathLike[str], "StoragePath", BinaryIO, Callable[[], Writer], Sink]


def sink_for(destination: Destination, *, durable: bool = True) -> Sink:
    """Return the sink for a path, an open binary file, a writer factory, or a sink.

    A path is local, or in any fsspec file system.

    :param durable: A local file survives power loss once it has its final name.
    :raises InvalidInput: The argument is none of these, or a folder.
    """
    if isinstance(destination, Sink):
        return destination
    if is_storage_path(destination):
        return storage_sink(cast("StoragePath", destination), durable=durable)
    if isinstance(destination, str | os.PathLike):
        return PathSink(destination, durable=durable)
    if isinstance(destination, io.TextIOBase):
        raise InvalidInput("The destination is open as text: open it in binary mode ('wb')")
    if hasattr(destination, "write") and hasattr(destination, "seekable"):
        return FileSink(cast("BinaryIO", destination))
    if callable(destination):
        return WriterSink(destination)
    raise InvalidInput(
        f"Cannot download into a {type(destination).__name__}: pass a path, a binary file, a writer factory, "
        f"or MemorySink() for bytes"
    )

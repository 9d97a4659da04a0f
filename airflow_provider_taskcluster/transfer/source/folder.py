"""The files of a folder, local or in a storage, as sources by their relative names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.exceptions import InvalidInput, SourceError
from airflow_provider_taskcluster.transfer.config import OWN_PREFIX
from airflow_provider_taskcluster.transfer.source.base import PathSource, Source
from airflow_provider_taskcluster.transfer.source.local_paths import path_text
from airflow_provider_taskcluster.transfer.source.storage import StorageSource
from airflow_provider_taskcluster.transfer.storage_paths import (
    StorageFile,
    is_storage_path,
    storage_errors,
    storage_file,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def folder_sources(folder: object) -> dict[str, Callable[[], Source]]:
    """Return a factory of sources for each file of a folder, by relative name with ``/``, in order.

    Partial files of downloads and incomplete extractions are left out.

    :param folder: A local path, or one in an fsspec file system.
    :raises InvalidInput: There is no such folder, or no file in it, or an entry is neither a file nor a folder of it,
        such as a link that leads out of it.
    """
    storage = storage_file(folder) if is_storage_path(folder) else None  # type: ignore[arg-type]  # checked just before
    if storage and not storage.local:
        sources = dict(_in_storage(storage))
    else:
        sources = dict(_local(Path(storage.path if storage else path_text(folder))))
    if not sources:
        raise InvalidInput(f"There is no file in the folder {str(folder)!r} to upload")
    return dict(sorted(sources.items()))


def _local(root: Path) -> Iterator[tuple[str, Callable[[], Source]]]:
    if not root.is_dir():
        raise InvalidInput(f"There is no folder {str(root)!r} to upload")
    resolved_root = root.resolve()

    def refuse(error: OSError) -> None:
        raise SourceError(f"The folder {error.filename!r} cannot be read: {error.strerror}; let the worker read it")

    for directory, folders, files in os.walk(root, onerror=refuse):
        folders[:] = [
            name for name in folders if not name.startswith(OWN_PREFIX)
        ]  # os.walk descends into those that remain
        for path in (Path(directory, name) for name in [*files, *folders] if not name.startswith(OWN_PREFIX)):
            if path.is_dir() and not path.is_symlink():
                continue
            if not path.is_file() or not path.resolve().is_relative_to(resolved_root):
                raise InvalidInput(f"{str(path)!r} is no file of this folder: take it out, or upload what it leads to")
            yield path.relative_to(root).as_posix(), lambda path=path: PathSource(path)  # type: ignore[misc]  # bound


def _in_storage(root: StorageFile) -> Iterator[tuple[str, Callable[[], Source]]]:
    with storage_errors(SourceError, f"The folder {root.url!r} cannot be read"):
        # written like the paths that ``find`` returns
        folder = str(root.fs._strip_protocol(root.path)).rstrip("/")  # noqa: SLF001 (fsspec's name for it)
        root.fs.invalidate_cache(folder)
        paths = root.fs.find(folder)
    for path in paths:
        if path != folder and not path.startswith(f"{folder}/" if folder else ""):
            raise SourceError(f"The folder {root.url!r} cannot be read: its storage lists {path!r}, which is not in it")
        name = path.removeprefix(folder).lstrip("/")
        if name and not any(part.startswith(OWN_PREFIX) for part in name.split("/")):
            file = StorageFile(root.fs, path, f"{root.url.rstrip('/')}/{name}")
            yield name, lambda file=file: StorageSource(file)  # type: ignore[misc]  # bound

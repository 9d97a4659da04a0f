"""The ``taskcluster://`` filesystem: reads and writes objects, lists and reads artifacts."""

from __future__ import annotations

import contextlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fsspec.callbacks import DEFAULT_CALLBACK
from fsspec.compression import compr
from fsspec.core import get_compression
from fsspec.spec import AbstractFileSystem
from fsspec.utils import isfilelike

from airflow_provider_taskcluster.exceptions import ArtifactError, InsufficientScopes, InvalidInput, StoreError
from airflow_provider_taskcluster.fs import uploads
from airflow_provider_taskcluster.fs.backend import Backend
from airflow_provider_taskcluster.fs.errors import NoSuchFile, NotDeletable
from airflow_provider_taskcluster.fs.paths import ArtifactPath, ObjectPath, parse_path, split_url
from airflow_provider_taskcluster.fs.readable_file import ReadableFile
from airflow_provider_taskcluster.fs.strip_protocol import StripProtocol
from airflow_provider_taskcluster.fs.transaction import UploadTransaction
from airflow_provider_taskcluster.fs.wrappers import CompressedFile, TextFile
from airflow_provider_taskcluster.fs.writable_file import WritableFile
from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
from airflow_provider_taskcluster.transfer.sink.base import MemorySink
from airflow_provider_taskcluster.transfer.sink.durable import make_folders
from airflow_provider_taskcluster.transfer.sink.spool import TemporarySink, TemporarySource
from airflow_provider_taskcluster.transfer.source.factory import source_for
from airflow_provider_taskcluster.transfer.source.local_paths import path_text
from airflow_provider_taskcluster.transfer.source.reading import blocks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, timedelta

    from fsspec.callbacks import Callback

    from airflow_provider_taskcluster.fs.listing import Entry
    from airflow_provider_taskcluster.services.schemas import ArtifactInfo
    from airflow_provider_taskcluster.transfer.download.references import AllowReference
    from airflow_provider_taskcluster.transfer.progress import Progress
    from airflow_provider_taskcluster.transfer.source.factory import Uploadable


class TaskclusterFileSystem(AbstractFileSystem):  # type: ignore[misc]  # fsspec has no types
    """Files of one Taskcluster deployment.

    ::

        taskcluster://<conn_id>@objects/<name>
        taskcluster://<conn_id>@artifacts/<taskId>/<number of the run, or latest>/<name>

    Objects cannot be listed (the service has no list), deleted or changed: writing other content under an existing name
    raises ``Conflict``. A path that does not exist raises ``FileNotFoundError``.

    :param conn_id: Id of the connection.
    :param expires: When written objects expire: a datetime, its ISO text, or a timedelta, which counts from the start
        of the DAG run (outside of a task from the next midnight, UTC). ``open(..., expires=...)`` sets it for one file.
    :param project_id: Project of written objects; the connection's by default.
    :param allow_reference: Whether to follow URLs that tasks chose. True allows any host that this machine can reach;
        a list of hosts (``example.com``, ``*.example.com``) limits the URLs and their redirects to these.
    :param require_hashes: Refuse objects for which the service has no sha256 or sha512.
    """

    protocol = "taskcluster"
    transaction_type = UploadTransaction

    def __init__(
        self,
        conn_id: str | None = None,
        *,
        expires: datetime | timedelta | str = uploads.DEFAULT_LIFETIME,
        project_id: str | None = None,
        allow_reference: AllowReference = False,
        require_hashes: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.conn_id = conn_id
        self.hook = TaskclusterHook(conn_id or TaskclusterHook.default_conn_name)
        self.backend = Backend(self.hook, expires, project_id, allow_reference, require_hashes)

    _strip_protocol = StripProtocol()

    def unstrip_protocol(self, name: str) -> str:
        """Return the URL of a path, with the connection if this filesystem was given one."""
        conn_id = f"{self.conn_id}@" if self.conn_id else ""
        return f"{self.protocol}://{conn_id}{self._strip_protocol(name)}"

    @staticmethod
    def _get_kwargs_from_urls(path: str) -> dict[str, Any]:
        conn_id, _ = split_url(path)
        return {"conn_id": conn_id} if conn_id else {}

    # Metadata

    def info(self, path: str, **_: Any) -> Entry:
        """Return the metadata of a path. The size of a file is None if only a download can tell (gzip)."""
        entry = self.backend.info(path := self._strip_protocol(path))
        if entry["type"] == "file" and entry["size"] is None:
            entry["size"] = self.backend.size(path)
        return entry

    def exists(self, path: str, **_: Any) -> bool:
        """Return whether a path exists. Other errors are raised, unlike in fsspec's own method."""
        return self._type(path) is not None

    def isfile(self, path: str) -> bool:
        """Return whether a path is a file."""
        return self._type(path) == "file"

    def isdir(self, path: str) -> bool:
        """Return whether a path is a folder: a task, a run, or a prefix of artifact names.

        A prefix counts only if the client may list artifacts. For an object the answer is False without a request, so
        that a copy to its name needs no scope to download it.
        """
        parsed = parse_path(self._strip_protocol(path))
        if isinstance(parsed, ObjectPath):
            return not parsed.name
        try:
            return self._type(path) == "directory"
        except InsufficientScopes:
            if isinstance(parsed, ArtifactPath) and parsed.name:
                return False
            raise

    def _type(self, path: str) -> str | None:
        try:
            return str(self.backend.info(self._strip_protocol(path))["type"])
        except NoSuchFile:
            return None

    def modified(self, path: str) -> datetime:
        """Return when a file was stored, according to its store.

        :raises TransferError: The store does not tell.
        """
        return self.backend.modified(self._strip_protocol(path))

    created = modified

    def ls(self, path: str, detail: bool = True, artifacts: list[ArtifactInfo] | None = None, **_: Any) -> list[Any]:
        """List a folder. Objects cannot be listed, only a single one.

        :param artifacts: All artifacts of the run, if they are known already.
        """
        entries = self.backend.entries(self._strip_protocol(path), artifacts)
        return entries if detail else sorted(entry["name"] for entry in entries)

    def walk(self, path: str, *arguments: Any, **options: Any) -> Iterator[Any]:
        """Walk through folders as fsspec does, with one listing for all folders of a run."""
        parsed = parse_path(self._strip_protocol(path))
        if isinstance(parsed, ArtifactPath) and parsed.run and "artifacts" not in options:
            with contextlib.suppress(NoSuchFile):
                options["artifacts"] = self.backend.artifacts(parsed)
        yield from super().walk(path, *arguments, **options)

    def glob(self, path: str, maxdepth: int | None = None, **options: Any) -> Any:
        """Find files by a pattern. A file with exactly this name takes precedence: names may contain brackets."""
        literal = self._strip_protocol(path)
        is_file = False
        with contextlib.suppress(InvalidInput):  # a pattern in place of the run is not a valid path
            is_file = self.isfile(literal)
        if not is_file:
            return super().glob(path, maxdepth=maxdepth, **options)
        return {literal: self.info(literal)} if options.get("detail") else [literal]

    def du(self, path: str, total: bool = True, *arguments: Any, **options: Any) -> Any:
        """Add up the known sizes of files; sizes that are not listed are requested from the store."""
        files = self.find(path, *arguments, detail=True, **options)
        sizes = {name: entry.get("size") for name, entry in files.items()}
        sizes |= {name: self._size(name) for name, size in sizes.items() if size is None}
        return sum(size or 0 for size in sizes.values()) if total else sizes

    def _size(self, path: str) -> int | None:
        """Return a size from the store, None if the file cannot or must not be fetched."""
        try:
            return self.backend.size(path)
        except (ArtifactError, InsufficientScopes, NoSuchFile, StoreError):
            return None

    # Content

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **options: Any) -> bytes:
        """Return the content of a file, verified, or a range of it."""
        if start is not None or end is not None:
            return bytes(super().cat_file(path, start, end, **options))
        sink = MemorySink(None)
        self.backend.download(self._strip_protocol(path), sink)
        return sink.content()

    def get_file(
        self, rpath: str, lpath: Any = None, callback: Callback = DEFAULT_CALLBACK, outfile: Any = None, **_: Any
    ) -> None:
        """Download a file, verified; it appears under its name once it is complete."""
        if outfile is None and not isfilelike(lpath) and self.isdir(rpath):
            make_folders(path_text(lpath), durable=self.hook.settings.durable)
        else:
            self.backend.download(self._strip_protocol(rpath), outfile or lpath, partial(_report_progress, callback))

    def check_destination(self, path: str) -> None:
        """Check a path before anything is written.

        :raises InvalidInput: It is not the path of an object.
        """
        self.backend.check_writable(self._strip_protocol(path))

    def put_file(
        self, lpath: str, rpath: str, callback: Callback = DEFAULT_CALLBACK, mode: str = "overwrite", **options: Any
    ) -> None:
        """Upload a local file."""
        if not Path(lpath).is_dir():
            options["on_progress"] = partial(_report_progress, callback)
            self._upload(lpath, self._strip_protocol(rpath), exclusive=mode == "create", **options)

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **options: Any) -> None:
        """Upload bytes."""
        self._upload(value, self._strip_protocol(path), exclusive=mode == "create", **options)

    def cp_file(self, path1: str, path2: str, **options: Any) -> None:
        """Copy a file to an object with the same content type, by a download and an upload."""
        if not self.isdir(path1):
            target = self._strip_protocol(path2)
            self.backend.check_writable(target)
            with contextlib.closing(TemporarySink()) as content:
                result = self.backend.download(self._strip_protocol(path1), content)
                source = TemporarySource(content, f"content of {path1!r}")
                self._upload(source, target, **{"content_type": result.content_type, **options})

    def _upload(self, source: Uploadable, path: str, *, exclusive: bool = False, **options: Any) -> None:
        """Upload a source at once, or at the end of the transaction if there is one."""
        if not self._intrans:
            self.backend.upload(source, path, exclusive=exclusive, **options)
            return
        with self.open(path, "xb" if exclusive else "wb", **options) as file, source_for(source).reading() as reader:
            for block in blocks(reader):
                file.write(block)

    def open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        cache_options: dict[str, Any] | None = None,
        compression: str | None = None,
        **options: Any,
    ) -> Any:
        """Open a file for reading, or for writing as a whole (``w``, ``x``).

        A written file is uploaded when it is closed, unless a write failed or the block ended with an error. Options of
        the upload are ``expires``, ``project_id``, ``content_type`` and ``if_exists``, as in the hook's
        ``upload_object``.
        """
        if "r" not in mode and "b" not in mode:
            text = {name: options.pop(name) for name in ("encoding", "errors", "newline") if name in options}
            mode = mode.replace("t", "") + "b"
            return TextFile(self.open(path, mode, block_size, cache_options, compression, **options), **text)
        if compression is None or "r" in mode:
            return super().open(path, mode, block_size, cache_options, compression, **options)
        file = super().open(path, mode, block_size, cache_options, **options)
        name = get_compression(self._strip_protocol(path), compression)
        return CompressedFile(compr[name](file, mode="w"), file) if name else file

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        autocommit: bool = True,
        cache_options: dict[str, Any] | None = None,
        size: int | None = None,  # noqa: ARG002 (passed when a file is unpickled)
        **options: Any,
    ) -> ReadableFile | WritableFile:
        if mode == "rb":
            body = self.backend.open(path)
            return ReadableFile(self, path, body, block_size, cache_options=cache_options, **options)
        if mode not in {"wb", "xb"}:
            raise InvalidInput(f"{path!r} is opened in the mode {mode!r}: files are read (r) or written whole (w, x)")
        exclusive = mode == "xb"
        self.backend.check_writable(path, exclusive=exclusive)
        self.backend.check_options(options)
        upload = partial(self.backend.upload, path=path, exclusive=exclusive, **options)
        return WritableFile(path, upload, autocommit=autocommit)

    # Not supported

    def rm(self, path: Any, recursive: bool = False, maxdepth: int | None = None) -> None:  # noqa: ARG002 (fsspec's signature)
        """Refuse: objects and artifacts cannot be deleted.

        :raises NotDeletable: Always.
        """
        raise NotDeletable(f"{path!r} cannot be deleted: the service keeps objects and artifacts until they expire")

    rm_file = _rm = rmdir = rm

    def mv(self, path1: str, path2: str, *_: Any, **__: Any) -> None:
        """Refuse, before anything is copied: the source cannot be deleted.

        :raises NotDeletable: Always.
        """
        raise NotDeletable(f"{path1!r} cannot be moved, since it cannot be deleted: copy it to {path2!r}")


def _report_progress(callback: Callback, progress: Progress) -> None:
    """Pass the progress of a transfer to a callback of fsspec."""
    callback.set_size(progress.total)
    callback.absolute_update(progress.done)

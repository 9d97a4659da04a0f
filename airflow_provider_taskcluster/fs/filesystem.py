"""``taskcluster://``: objects that are read and written, artifacts that are listed and read."""

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
from airflow_provider_taskcluster.fs.backend import Remote
from airflow_provider_taskcluster.fs.errors import NoSuchFile, NotDeletable
from airflow_provider_taskcluster.fs.paths import ArtifactPlace, ObjectPlace, located, stripped
from airflow_provider_taskcluster.fs.reader import ReadableFile
from airflow_provider_taskcluster.fs.strip_protocol import StripProtocol
from airflow_provider_taskcluster.fs.transaction import AllOrNothing
from airflow_provider_taskcluster.fs.wrappers import CompressedFile, TextFile
from airflow_provider_taskcluster.fs.writer import WritableFile
from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
from airflow_provider_taskcluster.transfer.sink.base import MemorySink
from airflow_provider_taskcluster.transfer.sink.durable import make_folders
from airflow_provider_taskcluster.transfer.sink.temporary import TemporarySink, TemporarySource
from airflow_provider_taskcluster.transfer.source.factory import source_for
from airflow_provider_taskcluster.transfer.source.paths import path_text
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

    Objects cannot be listed, since the service has no list of them, nor deleted, nor changed: writing other content
    under a name that is taken raises ``Conflict``. What is not there raises ``FileNotFoundError``.

    :param conn_id: Id of the connection.
    :param expires: When objects that are written end: a datetime, its ISO text, or a timedelta, which counts from the
        start of the DAG run (outside of a task from the coming midnight, UTC). ``open(..., expires=...)`` says it for
        one.
    :param project_id: Their project; the connection's by default.
    :param allow_reference: Follow URLs that tasks chose. With True they can be of any host that this machine reaches; a
        list of hosts (``example.com``, ``*.example.com``) limits them, and their redirects, to these.
    :param require_hashes: Refuse objects for which the service names no sha256 or sha512.
    """

    protocol = "taskcluster"
    transaction_type = AllOrNothing

    def __init__(
        self,
        conn_id: str | None = None,
        *,
        expires: datetime | timedelta | str = uploads.LIFE,
        project_id: str | None = None,
        allow_reference: AllowReference = False,
        require_hashes: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.conn_id = conn_id
        self.hook = TaskclusterHook(conn_id or TaskclusterHook.default_conn_name)
        self.remote = Remote(self.hook, expires, project_id, allow_reference, require_hashes)

    _strip_protocol = StripProtocol()

    def unstrip_protocol(self, name: str) -> str:
        """Return the URL of a path, with the connection if this filesystem was given one."""
        conn_id = f"{self.conn_id}@" if self.conn_id else ""
        return f"{self.protocol}://{conn_id}{self._strip_protocol(name)}"

    @staticmethod
    def _get_kwargs_from_urls(path: str) -> dict[str, Any]:
        conn_id, _ = stripped(path)
        return {"conn_id": conn_id} if conn_id else {}

    # What is there

    def info(self, path: str, **_: Any) -> Entry:
        """Facts of one path. The size of a file is None where only fetching all of it would tell (gzip)."""
        entry = self.remote.look(path := self._strip_protocol(path))
        if entry["type"] == "file" and entry["size"] is None:
            entry["size"] = self.remote.size(path)
        return entry

    def exists(self, path: str, **_: Any) -> bool:
        """Tell whether there is something. Only "not there" means no: other errors rise, unlike in fsspec's own."""
        return self._type(path) is not None

    def isfile(self, path: str) -> bool:
        """Tell whether there is a file."""
        return self._type(path) == "file"

    def isdir(self, path: str) -> bool:
        """Tell whether it is a folder: a task, a run, or, for who may list them, the beginning of artifacts' names.

        An object is none, for which nobody is asked: a copy to its name takes no scope to download it.
        """
        place = located(self._strip_protocol(path))
        if isinstance(place, ObjectPlace):
            return not place.name
        try:
            return self._type(path) == "directory"
        except InsufficientScopes:
            if isinstance(place, ArtifactPlace) and place.name:
                return False
            raise

    def _type(self, path: str) -> str | None:
        try:
            return str(self.remote.look(self._strip_protocol(path))["type"])
        except NoSuchFile:
            return None

    def modified(self, path: str) -> datetime:
        """Return when a file was stored, as its store says; what is stored does not change.

        :raises TransferError: The store does not say.
        """
        return self.remote.modified(self._strip_protocol(path))

    created = modified

    def ls(self, path: str, detail: bool = True, artifacts: list[ArtifactInfo] | None = None, **_: Any) -> list[Any]:
        """List a folder. Of objects only one can be asked for.

        :param artifacts: All artifacts of the run, if they are known already.
        """
        found = self.remote.entries(self._strip_protocol(path), artifacts)
        return found if detail else sorted(entry["name"] for entry in found)

    def walk(self, path: str, *arguments: Any, **options: Any) -> Iterator[Any]:
        """Go through folders, as fsspec does it, with one list for all folders of a run."""
        place = located(self._strip_protocol(path))
        if isinstance(place, ArtifactPlace) and place.run and "artifacts" not in options:
            with contextlib.suppress(NoSuchFile):
                options["artifacts"] = self.remote.artifacts(place)
        yield from super().walk(path, *arguments, **options)

    def glob(self, path: str, maxdepth: int | None = None, **options: Any) -> Any:
        """Find files by a pattern. A file of exactly this name comes first: names may have brackets in them."""
        plain = self._strip_protocol(path)
        there = False
        with contextlib.suppress(InvalidInput):  # a pattern for the run is no path
            there = self.isfile(plain)
        if not there:
            return super().glob(path, maxdepth=maxdepth, **options)
        return {plain: self.info(plain)} if options.get("detail") else [plain]

    def du(self, path: str, total: bool = True, *arguments: Any, **options: Any) -> Any:
        """Add up the sizes of files, as far as they are known; the store is asked for those that are not listed."""
        found = self.find(path, *arguments, detail=True, **options)
        sizes = {name: entry.get("size") for name, entry in found.items()}
        sizes |= {name: self._size(name) for name, size in sizes.items() if size is None}
        return sum(size or 0 for size in sizes.values()) if total else sizes

    def _size(self, path: str) -> int | None:
        """Ask the store for a size. What cannot be fetched, or may not be, has none."""
        try:
            return self.remote.size(path)
        except (ArtifactError, InsufficientScopes, NoSuchFile, StoreError):
            return None

    # What is in it

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **options: Any) -> bytes:
        """Return the content of a file, verified, or a piece of it."""
        if start is not None or end is not None:
            return bytes(super().cat_file(path, start, end, **options))
        sink = MemorySink(None)
        self.remote.download(self._strip_protocol(path), sink)
        return sink.content()

    def get_file(
        self, rpath: str, lpath: Any = None, callback: Callback = DEFAULT_CALLBACK, outfile: Any = None, **_: Any
    ) -> None:
        """Download a file to this machine, verified; it appears under its name when all of it is there."""
        if outfile is None and not isfilelike(lpath) and self.isdir(rpath):
            make_folders(path_text(lpath), durable=self.hook.settings.durable)
        else:
            self.remote.download(self._strip_protocol(rpath), outfile or lpath, partial(_tell, callback))

    def check_destination(self, path: str) -> None:
        """Check a path before anything is written.

        :raises InvalidInput: It is no name of an object.
        """
        self.remote.writable(self._strip_protocol(path))

    def put_file(
        self, lpath: str, rpath: str, callback: Callback = DEFAULT_CALLBACK, mode: str = "overwrite", **options: Any
    ) -> None:
        """Upload a file of this machine."""
        if not Path(lpath).is_dir():
            options["on_progress"] = partial(_tell, callback)
            self._store(lpath, self._strip_protocol(rpath), exclusive=mode == "create", **options)

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **options: Any) -> None:
        """Upload bytes."""
        self._store(value, self._strip_protocol(path), exclusive=mode == "create", **options)

    def cp_file(self, path1: str, path2: str, **options: Any) -> None:
        """Copy a file to an object of the same content type, through this machine."""
        if not self.isdir(path1):
            target = self._strip_protocol(path2)
            self.remote.writable(target)
            with contextlib.closing(TemporarySink()) as content:
                found = self.remote.download(self._strip_protocol(path1), content)
                source = TemporarySource(content, f"content of {path1!r}")
                self._store(source, target, **{"content_type": found.content_type, **options})

    def _store(self, source: Uploadable, path: str, *, exclusive: bool = False, **options: Any) -> None:
        """Upload what is complete already; in a transaction at its end."""
        if not self._intrans:
            self.remote.upload(source, path, exclusive=exclusive, **options)
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
        """Open a file to read it, or to write it as a whole (``w``, ``x``).

        What is written is uploaded when the file is closed, unless a write failed or an error led there. For that,
        ``expires``, ``project_id``, ``content_type`` and ``if_exists`` can be passed, as to the hook's
        ``upload_object``.
        """
        if "r" not in mode and "b" not in mode:
            text = {name: options.pop(name) for name in ("encoding", "errors", "newline") if name in options}
            mode = mode.replace("t", "") + "b"
            return TextFile(self.open(path, mode, block_size, cache_options, compression, **options), **text)
        if compression is None or "r" in mode:
            return super().open(path, mode, block_size, cache_options, compression, **options)
        below = super().open(path, mode, block_size, cache_options, **options)
        name = get_compression(self._strip_protocol(path), compression)
        return CompressedFile(compr[name](below, mode="w"), below) if name else below

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        autocommit: bool = True,
        cache_options: dict[str, Any] | None = None,
        size: int | None = None,  # noqa: ARG002 (of a file that was pickled)
        **options: Any,
    ) -> ReadableFile | WritableFile:
        if mode == "rb":
            body = self.remote.open(path)
            return ReadableFile(self, path, body, block_size, cache_options=cache_options, **options)
        if mode not in {"wb", "xb"}:
            raise InvalidInput(f"{path!r} is opened in the mode {mode!r}: files are read (r) or written whole (w, x)")
        exclusive = mode == "xb"
        self.remote.writable(path, exclusive=exclusive)
        self.remote.check(options)
        upload = partial(self.remote.upload, path=path, exclusive=exclusive, **options)
        return WritableFile(path, upload, autocommit=autocommit)

    # What cannot be done

    def rm(self, path: Any, recursive: bool = False, maxdepth: int | None = None) -> None:  # noqa: ARG002 (fsspec's signature)
        """Refuse.

        :raises NotDeletable: Always.
        """
        raise NotDeletable(f"{path!r} cannot be deleted: the service keeps objects and artifacts until they expire")

    rm_file = _rm = rmdir = rm

    def mv(self, path1: str, path2: str, *_: Any, **__: Any) -> None:
        """Refuse, before anything is copied.

        :raises NotDeletable: Always.
        """
        raise NotDeletable(f"{path1!r} cannot be moved, since it cannot be deleted: copy it to {path2!r}")


def _tell(callback: Callback, progress: Progress) -> None:
    """Tell a callback of fsspec how far it is."""
    callback.set_size(progress.total)
    callback.absolute_update(progress.done)

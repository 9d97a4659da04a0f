"""The hook's downloads of objects: to a destination, into memory, or as an open file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.assets.uris import object_uri
from airflow_provider_taskcluster.common import names
from airflow_provider_taskcluster.common.counts import whole_number
from airflow_provider_taskcluster.hooks import lineage, reports
from airflow_provider_taskcluster.hooks.base import TaskclusterBaseHook, as_storage_path, byte_limit
from airflow_provider_taskcluster.transfer.config import CONNECTIONS, MEMORY_CAP, TransferConfig
from airflow_provider_taskcluster.transfer.sink.base import MemorySink
from airflow_provider_taskcluster.transfer.sink.factory import sink_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from airflow_provider_taskcluster.transfer.download.object import Downloader
    from airflow_provider_taskcluster.transfer.download.stored_file import StoredFile
    from airflow_provider_taskcluster.transfer.model import TransferResult
    from airflow_provider_taskcluster.transfer.progress import Progress
    from airflow_provider_taskcluster.transfer.sink.factory import Destination


class ObjectDownloadsHook(TaskclusterBaseHook):
    """Downloads of objects, and their sizes and dates in the store."""

    def multipart_sha256(self, name: str) -> str | None:
        """Return the sha256 of the complete content of an object that was uploaded in parts; None for any other object.

        The service itself knows only the hashes of its manifest. Scope ``object:download:<name>``.

        :raises ManifestRefused: Its manifest is broken, or names parts that are not its own.
        """
        manifest = self._downloader(require_hashes=True).manifest(names.object_name(name))
        return None if manifest is None else manifest.sha256

    def download_object(
        self,
        name: str,
        destination: Destination,
        *,
        connections: int = CONNECTIONS,
        max_bytes: int | None = None,
        require_hashes: bool = True,
        multipart_aware: bool = True,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> TransferResult:
        """Download an object, verified by all hashes that the service has. Scope ``object:download:<name>``.

        :param name: Name of the object.
        :param destination: A path (a temporary file beside it is renamed to it once verified), an ``ObjectStoragePath``
            or its URL (in a bucket, the object appears once verified), an open binary file, a function that returns
            a writer, or ``MemorySink()``.
        :param connections: Number of parallel connections for a large object that is written to a path.
        :param max_bytes: Refuse an object that is larger (default: no limit).
        :param require_hashes: Refuse an object for which the service has no sha256 or sha512.
        :param multipart_aware: Assemble an object that was uploaded in parts; if False, download its manifest. Parts
            need the scope ``object:download:<name>.part-*``.
        :param on_progress: Called every few seconds, in a thread that moves bytes.
        :raises NotFound: There is no such object, or its upload is not finished.
        """
        downloader = self._downloader(
            connections=whole_number(connections, "connections", least=1),
            max_bytes=byte_limit(max_bytes),
            require_hashes=require_hashes,
            multipart_aware=multipart_aware,
            on_progress=on_progress,
        )
        name, sink = names.object_name(name), sink_for(as_storage_path(destination), durable=self.settings.durable)
        result = downloader.download(name, sink)
        lineage.report_input(self, object_uri(name), lineage.asset_extra(result))
        reports.downloaded(f"object {name!r}", self.settings.root_url, destination, result)
        return result

    def read_object(self, name: str, *, max_bytes: int | None = MEMORY_CAP, require_hashes: bool = True) -> bytes:
        """Return the bytes of an object.

        :param max_bytes: Refuse an object that is larger (default: 64 MiB); None for no limit.
        """
        sink = MemorySink(byte_limit(max_bytes))
        self.download_object(name, sink, require_hashes=require_hashes)
        return sink.content()

    def open_object(self, name: str, *, require_hashes: bool = True) -> StoredFile:
        """Open an object for reading, as a binary file. Scope ``object:download:<name>``.

        The file is seekable, and read by Range requests. Content that is read in order, from the first byte to the
        last, is verified by the hashes that the service has.
        """
        from airflow_provider_taskcluster.transfer.download.stored_file import StoredFile

        names.object_name(name)
        on_close = reports.read_reporter(f"object {name!r}", self.settings.root_url)
        opened = StoredFile(name, lambda: self._downloader(require_hashes=require_hashes).open(name), on_close)
        lineage.report_input(self, object_uri(name))
        return opened

    def object_size(self, name: str, *, require_hashes: bool = True) -> int | None:
        """Return the size of an object in bytes; None if only a download can tell. Scope ``object:download:<name>``."""
        return self._downloader(require_hashes=require_hashes).size(names.object_name(name))

    def object_modified(self, name: str) -> datetime | None:
        """Return when an object was stored; None if the store does not tell.

        The service itself has no such date. Scope ``object:download:<name>``.
        """
        return self._downloader(require_hashes=False).modified(names.object_name(name))

    def _downloader(self, **options: Any) -> Downloader:
        """Return a downloader with options of ``TransferConfig``."""
        from airflow_provider_taskcluster.transfer.download.object import Downloader

        config = TransferConfig(network=self.settings.network, **options)
        return Downloader(self._engine_services, self._store, config)

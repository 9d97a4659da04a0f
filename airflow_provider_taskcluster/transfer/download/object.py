"""Downloads of objects: negotiate, fetch, verify."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.exceptions import TransferError
from airflow_provider_taskcluster.transfer.download.expected import Expected
from airflow_provider_taskcluster.transfer.download.fetch import Fetch, FetchRequest, ManifestFound
from airflow_provider_taskcluster.transfer.download.last_modified import modified
from airflow_provider_taskcluster.transfer.download.methods import DOWNLOAD_METHODS
from airflow_provider_taskcluster.transfer.download.multipart import MultipartDownload, PartAccess
from airflow_provider_taskcluster.transfer.download.random_access import (
    HEAD,
    MultipartBody,
    RangedBody,
    RangesUnsupported,
    open_local_copy,
)
from airflow_provider_taskcluster.transfer.hashing.digests import require_acceptable
from airflow_provider_taskcluster.transfer.http.grants import Renewable
from airflow_provider_taskcluster.transfer.parts_manifest import LARGEST_MANIFEST, from_json
from airflow_provider_taskcluster.transfer.progress import timed
from airflow_provider_taskcluster.transfer.sink.base import MemorySink

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from airflow_provider_taskcluster.transfer.config import TransferConfig
    from airflow_provider_taskcluster.transfer.download.random_access import RandomAccess
    from airflow_provider_taskcluster.transfer.http.client import StoreClient
    from airflow_provider_taskcluster.transfer.model import Grant, ObjectService, TransferResult
    from airflow_provider_taskcluster.transfer.parts_manifest import Manifest, Part
    from airflow_provider_taskcluster.transfer.progress import Reporter
    from airflow_provider_taskcluster.transfer.sink.base import Sink


@dataclass(frozen=True)
class Downloader:
    """Downloads objects of one object service.

    :param reporter: Receives the progress; by default one that writes to the log.
    :param shown: Name of the object in errors and the log, if not its own.
    """

    service: ObjectService
    store: StoreClient
    config: TransferConfig
    reporter: Reporter | None = None
    shown: str | None = None

    @timed
    def download(self, name: str, sink: Sink, expected: Expected | None = None) -> TransferResult:
        """Download the object into the sink and verify it.

        :param expected: Size and type that were announced.
        :raises NotFound: There is no such object, or its upload is not finished.
        :raises NotVerifiable: The service names no acceptable hash.
        :raises HashMismatch: The bytes are not those that were uploaded.
        :raises ManifestRefused: It was uploaded in parts, and their manifest is not to be trusted.
        """
        first, grants = self._granted(name)
        request = FetchRequest(
            self.shown or name,
            {"object": name},
            first.hashes,
            first.method,
            self.config.max_bytes,
            whole_only=self.config.multipart_aware,
            expected=expected or Expected(),
        )
        try:
            return Fetch(request, grants, sink, self.store, self.config, reporter=self.reporter).result()
        except ManifestFound:
            manifest = self._manifest(name, first, grants)
        return MultipartDownload(name, manifest, PartAccess(self.negotiate, self.store, self.config), sink).result()

    def open(self, name: str) -> RandomAccess:
        """Open the object for random access; without range support, download it to a temporary file first.

        :raises NotFound: There is no such object, or its upload is not finished.
        :raises NotVerifiable: The service names no acceptable hash.
        """
        first, grants = self._granted(name)
        try:
            return self._ranged(name, grants, first.hashes)
        except ManifestFound:
            return MultipartBody(name, self._manifest(name, first, grants), self._open_part)
        except RangesUnsupported:
            return open_local_copy(lambda sink: self.download(name, sink))

    def size(self, name: str) -> int | None:
        """Return the length of the object's content; None if only a full download would tell."""
        first, grants = self._granted(name)
        try:
            return self._ranged(name, grants, {}, head=1).size
        except ManifestFound:
            return self._manifest(name, first, grants).size
        except RangesUnsupported:
            return None

    def modified(self, name: str) -> datetime | None:
        """Return when the object was stored; None if its store does not say."""
        return modified(self.store, self._granted(name)[1])

    def manifest(self, name: str) -> Manifest | None:
        """Return the manifest of an object that was uploaded in parts; None for any other object.

        :raises NotFound: There is no such object, or its upload is not finished.
        :raises ManifestRefused: The manifest is not to be trusted.
        """
        first, grants = self._granted(name)
        try:
            self._ranged(name, grants, {}, head=1)
        except ManifestFound:
            return self._manifest(name, first, grants)
        except RangesUnsupported:
            pass
        return None

    def _granted(self, name: str) -> tuple[Grant, Renewable[Grant]]:
        first = self.negotiate(name)
        if self.config.require_hashes:
            require_acceptable(self.shown or name, first.hashes)
        return first, Renewable(lambda: self.negotiate(name), first)

    def _ranged(self, name: str, grants: Renewable[Grant], hashes: Mapping[str, str], head: int = HEAD) -> RangedBody:
        return RangedBody(
            self.shown or name, grants, hashes, self.store, head=head, whole_only=self.config.multipart_aware
        )

    def _open_part(self, part: Part) -> RandomAccess:
        return replace(self, config=replace(self.config, multipart_aware=False)).open(part.name)

    def _manifest(self, name: str, first: Grant, grants: Renewable[Grant]) -> Manifest:
        """Fetch and parse the manifest."""
        sink = MemorySink(LARGEST_MANIFEST)
        request = FetchRequest(name, {"object": name}, first.hashes, first.method, LARGEST_MANIFEST)
        Fetch(request, grants, sink, self.store, replace(self.config, on_progress=None)).run()
        return from_json(sink.content(), name)

    def negotiate(self, name: str) -> Grant:
        """Ask the service for a grant to fetch the object."""
        methods = {method.name: method for method in DOWNLOAD_METHODS}
        accepted = {known: method.accept() for known, method in methods.items()}
        response = self.service.start_download(name, {"acceptDownloadMethods": accepted})
        if response["method"] not in methods:
            raise TransferError(
                f"The service answered with the download method {response['method']!r}, not known here: "
                f"update the provider"
            )
        grant = methods[response["method"]].grant(response)
        if grant.hashes:
            return grant
        return replace(grant, hashes=self.service.object_metadata(name)["hashes"])

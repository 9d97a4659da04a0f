"""Downloads of task artifacts: the storage type decides where the bytes are."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common.framing import unsatisfied_total
from airflow_provider_taskcluster.common.messages import one_line
from airflow_provider_taskcluster.exceptions import ArtifactError, NotStoredYet, StoreError, TransferError
from airflow_provider_taskcluster.transfer.config import REFERENCE_CAP
from airflow_provider_taskcluster.transfer.download import chain_of_trust, location
from airflow_provider_taskcluster.transfer.download.expected import Expected
from airflow_provider_taskcluster.transfer.download.fetch import Fetch, FetchRequest
from airflow_provider_taskcluster.transfer.download.last_modified import modified
from airflow_provider_taskcluster.transfer.download.location import ArtifactId, locate
from airflow_provider_taskcluster.transfer.download.object import Downloader
from airflow_provider_taskcluster.transfer.download.random_access import RangedBody, RangesUnsupported, open_local_copy
from airflow_provider_taskcluster.transfer.download.references import check_reference
from airflow_provider_taskcluster.transfer.http.grants import Renewable
from airflow_provider_taskcluster.transfer.http.ranges import UNSATISFIABLE, ByteRange, range_headers
from airflow_provider_taskcluster.transfer.http.redirects import MAX_REDIRECTS
from airflow_provider_taskcluster.transfer.model import Grant
from airflow_provider_taskcluster.transfer.progress import timed
from airflow_provider_taskcluster.transfer.sink.base import MemorySink

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from airflow_provider_taskcluster.transfer.config import TransferConfig
    from airflow_provider_taskcluster.transfer.download.random_access import RandomAccess
    from airflow_provider_taskcluster.transfer.http.client import StoreClient
    from airflow_provider_taskcluster.transfer.model import ArtifactService, Json, TransferResult
    from airflow_provider_taskcluster.transfer.progress import Reporter
    from airflow_provider_taskcluster.transfer.sink.base import Sink


@dataclass(frozen=True)
class ArtifactDownloader:
    """Downloads artifacts of one queue. The service follows links.

    :param reporter: Receives the progress; by default one that writes to the log.
    :param chain_file: The run's chain-of-trust file, if it was fetched before.
    """

    service: ArtifactService
    store: StoreClient
    config: TransferConfig
    reporter: Reporter | None = None
    chain_file: bytes | None = None

    @timed
    def download(self, task_id: str, name: str, run_id: int | None, sink: Sink) -> TransferResult:
        """Download the artifact into the sink and verify it by all known sizes and hashes.

        :raises NotFound: No such task, run or artifact, or not yet.
        :raises ArtifactError: The task published an error instead.
        :raises ReferenceRefused: It is a URL that the task chose, and the configuration does not allow it.
        """
        artifact = ArtifactId(task_id, name, run_id)
        return self.fetch(artifact, self.locate(artifact), sink)

    def fetch(
        self, artifact: ArtifactId, located: Json, sink: Sink, expected: Expected | None = None
    ) -> TransferResult:
        """Download a located artifact into the sink.

        :param located: The result of ``locate``.
        :param expected: Size and type that the task announced.
        """
        if located["storageType"] == "object":
            result = self._objects(artifact, located).download(located["name"], sink, expected)
            return replace(result, name=artifact.name)
        first, grants = self._granted(artifact, located)
        limit = self.config.max_bytes
        if first.method == "reference" and limit is None:
            limit = REFERENCE_CAP
        hashes = self._chain_of_trust(artifact) if self.config.chain_of_trust else {}
        identity = {"artifact": artifact.name, "task": artifact.task_id, "run": artifact.run_id}
        request = FetchRequest(artifact.name, identity, hashes, first.method, limit, expected=expected or Expected())
        with _not_stored_yet(artifact, first):
            return Fetch(request, grants, sink, self.store, self.config, reporter=self.reporter).result()

    def stored_length(self, task_id: str, name: str, run_id: int | None) -> int | None:
        """Return the artifact's length by one request for its first byte; None if the store does not tell it.

        :raises NotStoredYet: An s3 artifact is announced, but its bytes are not stored.
        :raises ReferenceRefused: It is a URL that the task chose, and the configuration does not allow it.
        """
        artifact = ArtifactId(task_id, name, run_id)
        located = self.locate(artifact)
        if located["storageType"] == "object":
            granted = self.service.objects_as(located["credentials"])
            grant = Downloader(granted, self.store, self.config).negotiate(located["name"])
        else:
            grant = self._grant(artifact, located)
        headers = range_headers(ByteRange(0, 1), None)
        with _not_stored_yet(artifact, grant):
            try:
                with self.store.get(grant.url, headers, redirects=grant.redirects, hosts=grant.hosts) as response:
                    return None if response.facts.encoding else response.facts.total
            except StoreError as error:
                if error.status == UNSATISFIABLE and unsatisfied_total(error.content_range) == 0:
                    return 0
                raise

    def modified(self, task_id: str, name: str, run_id: int | None) -> datetime | None:
        """Return when the artifact's bytes were stored; None if the store does not say.

        :raises: The errors of ``download``.
        """
        artifact = ArtifactId(task_id, name, run_id)
        located = self.locate(artifact)
        if located["storageType"] == "object":
            return self._objects(artifact, located).modified(located["name"])
        first, grants = self._granted(artifact, located)
        with _not_stored_yet(artifact, first):
            return modified(self.store, grants)

    def open(self, task_id: str, name: str, run_id: int | None) -> RandomAccess:
        """Open the artifact for random access; without range support, download it to a temporary file first.

        :raises: The errors of ``download``.
        """
        artifact = ArtifactId(task_id, name, run_id)
        located = self.locate(artifact)
        if located["storageType"] == "object":
            return self._objects(artifact, located).open(located["name"])
        first, grants = self._granted(artifact, located)
        try:
            with _not_stored_yet(artifact, first):
                return RangedBody(name, grants, {}, self.store)
        except RangesUnsupported:
            return open_local_copy(lambda sink: self.download(task_id, name, run_id, sink))

    def _objects(self, artifact: ArtifactId, located: Json) -> Downloader:
        """Return a downloader for an artifact's object, never in parts: its credentials are valid for one name."""
        config = replace(self.config, multipart_aware=False)
        service = self.service.objects_as(located["credentials"])
        return Downloader(service, self.store, config, self.reporter, shown=artifact.name)

    def _granted(self, artifact: ArtifactId, located: Json) -> tuple[Grant, Renewable[Grant]]:
        first = self._grant(artifact, located)
        return first, Renewable(lambda: self._grant(artifact, self.locate(artifact)), first)

    def _chain_of_trust(self, artifact: ArtifactId) -> dict[str, str]:
        """Return the hashes that the run's chain of trust names for the artifact."""
        chain_file = self.chain_file or self.chain_of_trust(artifact.task_id, artifact.run_id)
        return chain_of_trust.hashes_of(artifact.name, chain_file)

    def chain_of_trust(self, task_id: str, run_id: int | None) -> bytes:
        """Return the content of the run's chain-of-trust file."""
        sink = MemorySink(chain_of_trust.LARGEST)
        plain = replace(self, config=replace(self.config, chain_of_trust=False, on_progress=None), reporter=None)
        plain.download(task_id, chain_of_trust.NAME, run_id, sink)
        return sink.content()

    def locate(self, artifact: ArtifactId) -> Json:
        """Ask the queue where the bytes are (``artifact_location``)."""
        return locate(self.service, artifact)

    def _grant(self, artifact: ArtifactId, located: Json) -> Grant:
        match located["storageType"]:
            case "s3":
                return Grant(url=located["url"], method="s3", redirects=MAX_REDIRECTS)
            case location.PLAIN_URL:
                return Grant(url=located["url"], method="redirect", redirects=MAX_REDIRECTS)
            case "reference":
                hosts = check_reference(artifact, located["url"], self.config.allow_reference)
                return Grant(url=located["url"], method="reference", redirects=MAX_REDIRECTS, hosts=hosts)
            case "error":
                raise ArtifactError(
                    f"{artifact} is an error that the task published: {one_line(located['reason'])}: "
                    f"{one_line(located['message'])}; see the log of that task",
                    reason=located["reason"],
                )
        raise TransferError(
            f"{artifact} has the storage type {located['storageType']!r}, not known here: update the provider"
        )


@contextmanager
def _not_stored_yet(artifact: ArtifactId, grant: Grant) -> Iterator[None]:
    """Turn a 403 or 404 for an s3 artifact into ``NotStoredYet``: the queue lists it before its bytes are stored."""
    try:
        yield
    except StoreError as error:
        if grant.method != "s3" or error.status not in {403, 404}:
            raise
        raise NotStoredYet(
            f"{artifact} is announced, but its bytes are not in the store, or not yet: wait for the task to end. "
            f"{error}",
            status=error.status,
        ) from None

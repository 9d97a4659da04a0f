"""Downloads of task artifacts: where the bytes are depends on the storage type."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common.framing import unsatisfied_total
from airflow_provider_taskcluster.common.messages import one_line
from airflow_provider_taskcluster.exceptions import ArtifactError, NotStoredYet, StoreError, TransferError
from airflow_provider_taskcluster.transfer.config import REFERENCE_CAP
from airflow_provider_taskcluster.transfer.download import chain_of_trust, location
from airflow_provider_taskcluster.transfer.download.expected import Expected
from airflow_provider_taskcluster.transfer.download.fetch import Fetch, Wanted
from airflow_provider_taskcluster.transfer.download.location import Where, locate
from airflow_provider_taskcluster.transfer.download.modified import modified
from airflow_provider_taskcluster.transfer.download.object import Downloader
from airflow_provider_taskcluster.transfer.download.random_access import NotRanged, RangedBody, fetched_whole
from airflow_provider_taskcluster.transfer.download.references import check_reference
from airflow_provider_taskcluster.transfer.http.grants import Renewable
from airflow_provider_taskcluster.transfer.http.ranges import UNSATISFIABLE, ByteRange, range_headers
from airflow_provider_taskcluster.transfer.http.redirects import MAX_REDIRECTS
from airflow_provider_taskcluster.transfer.model import Grant
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
    """Downloads artifacts from one queue. Links are followed by the service.

    :param reporter: Is told how far it is; by default one that tells the log.
    :param published: The chain of trust of the run, where it is at hand already.
    """

    service: ArtifactService
    store: StoreClient
    config: TransferConfig
    reporter: Reporter | None = None
    published: bytes | None = None

    def download(self, task_id: str, name: str, run_id: int | None, sink: Sink) -> TransferResult:
        """Bring the artifact into the sink, checked by all that is known about it.

        :raises NotFound: No such task, run or artifact, or not yet.
        :raises ArtifactError: The task published an error in its place.
        :raises ReferenceRefused: It is a URL that the task chose, and the configuration does not allow those.
        """
        started = time.monotonic()
        where = Where(task_id, name, run_id)
        return replace(self.fetch(where, self.locate(where), sink), seconds=time.monotonic() - started)

    def fetch(self, where: Where, answer: Json, sink: Sink, expected: Expected | None = None) -> TransferResult:
        """Bring an artifact that was located into the sink.

        :param answer: What ``locate`` returned.
        :param expected: What is known of it before.
        """
        started = time.monotonic()
        if answer["storageType"] == "object":
            result = self._objects(where, answer).download(answer["name"], sink, expected)
            return replace(result, name=where.name)
        first, grants = self._granted(where, answer)
        limit = self.config.max_bytes
        if first.method == "reference" and limit is None:
            limit = REFERENCE_CAP
        hashes = self._chain_of_trust(where) if self.config.chain_of_trust else {}
        what = {"artifact": where.name, "task": where.task_id, "run": where.run_id}
        wanted = Wanted(where.name, what, hashes, first.method, limit, expected=expected or Expected())
        with _not_stored_yet(where, first):
            return Fetch(wanted, grants, sink, self.store, self.config, reporter=self.reporter).result(started)

    def stored_length(self, task_id: str, name: str, run_id: int | None) -> int | None:
        """Ask the store for one byte, once; return how many it has, None if that does not tell the artifact's length.

        :raises NotStoredYet: An s3 artifact is announced, and has no bytes yet.
        :raises ReferenceRefused: It is a URL that the task chose, and the configuration does not allow those.
        """
        where = Where(task_id, name, run_id)
        answer = self.locate(where)
        if answer["storageType"] == "object":
            granted = self.service.objects_as(answer["credentials"])
            grant = Downloader(granted, self.store, self.config).negotiate(answer["name"])
        else:
            grant = self._grant(where, answer)
        headers = range_headers(ByteRange(0, 1), None)
        with _not_stored_yet(where, grant):
            try:
                with self.store.get(grant.url, headers, redirects=grant.redirects, hosts=grant.hosts) as found:
                    return None if found.facts.encoding else found.facts.total
            except StoreError as error:
                if error.status == UNSATISFIABLE and unsatisfied_total(error.content_range) == 0:
                    return 0
                raise

    def modified(self, task_id: str, name: str, run_id: int | None) -> datetime | None:
        """Return when the bytes of the artifact were stored; None if their store does not say.

        :raises: What ``download`` raises.
        """
        where = Where(task_id, name, run_id)
        answer = self.locate(where)
        if answer["storageType"] == "object":
            return self._objects(where, answer).modified(answer["name"])
        first, grants = self._granted(where, answer)
        with _not_stored_yet(where, first):
            return modified(self.store, grants)

    def open(self, task_id: str, name: str, run_id: int | None) -> RandomAccess:
        """Open the artifact for reading at any place; fetch it whole into a temporary file if it cannot be read so.

        :raises: What ``download`` raises.
        """
        where = Where(task_id, name, run_id)
        answer = self.locate(where)
        if answer["storageType"] == "object":
            return self._objects(where, answer).open(answer["name"])
        first, grants = self._granted(where, answer)
        try:
            with _not_stored_yet(where, first):
                return RangedBody(name, grants, {}, self.store)
        except NotRanged:
            return fetched_whole(lambda sink: self.download(task_id, name, run_id, sink))

    def _objects(self, where: Where, answer: Json) -> Downloader:
        """Return what downloads the object of an artifact. Its credentials hold for one name: it cannot have parts."""
        config = replace(self.config, multipart_aware=False)
        service = self.service.objects_as(answer["credentials"])
        return Downloader(service, self.store, config, self.reporter, shown=where.name)

    def _granted(self, where: Where, answer: Json) -> tuple[Grant, Renewable[Grant]]:
        first = self._grant(where, answer)
        return first, Renewable(lambda: self._grant(where, self.locate(where)), first)

    def _chain_of_trust(self, where: Where) -> dict[str, str]:
        """Return what the run itself says of the artifact."""
        published = self.published or self.chain_of_trust(where.task_id, where.run_id)
        return chain_of_trust.hashes_of(where.name, published)

    def chain_of_trust(self, task_id: str, run_id: int | None) -> bytes:
        """Return what the run publishes of its artifacts."""
        published = MemorySink(chain_of_trust.LARGEST)
        plain = replace(self, config=replace(self.config, chain_of_trust=False, on_progress=None), reporter=None)
        plain.download(task_id, chain_of_trust.NAME, run_id, published)
        return published.content()

    def locate(self, where: Where) -> Json:
        """Ask the queue where the bytes are (``artifact_location``)."""
        return locate(self.service, where)

    def _grant(self, where: Where, answer: Json) -> Grant:
        match answer["storageType"]:
            case "s3":
                return Grant(url=answer["url"], method="s3", redirects=MAX_REDIRECTS)
            case location.PLAIN_URL:
                return Grant(url=answer["url"], method="redirect", redirects=MAX_REDIRECTS)
            case "reference":
                hosts = check_reference(where, answer["url"], self.config.allow_reference)
                return Grant(url=answer["url"], method="reference", redirects=MAX_REDIRECTS, hosts=hosts)
            case "error":
                raise ArtifactError(
                    f"{where} is an error that the task published: {one_line(answer['reason'])}: "
                    f"{one_line(answer['message'])}; see the log of that task",
                    reason=answer["reason"],
                )
        raise TransferError(
            f"{where} has the storage type {answer['storageType']!r}, not known here: update the provider"
        )


@contextmanager
def _not_stored_yet(where: Where, grant: Grant) -> Iterator[None]:
    """Say what it means when the store has nothing of an s3 artifact: the queue has it before the store does."""
    try:
        yield
    except StoreError as error:
        if grant.method != "s3" or error.status not in {403, 404}:
            raise
        raise NotStoredYet(
            f"{where} is announced, but its bytes are not in the store, or not yet: wait for the task to end. {error}",
            status=error.status,
        ) from None

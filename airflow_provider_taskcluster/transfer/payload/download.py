"""Downloads the selected files of a payload: several at once, and only those that do not exist yet."""

from __future__ import annotations

import contextlib
import logging
import threading
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common.messages import visible
from airflow_provider_taskcluster.exceptions import (
    HashMismatch,
    Interrupted,
    InvalidInput,
    NameRefused,
    TaskclusterError,
)
from airflow_provider_taskcluster.transfer.download import chain_of_trust
from airflow_provider_taskcluster.transfer.download.expected import Expected
from airflow_provider_taskcluster.transfer.download.location import PLAIN_URL, ArtifactId, origin
from airflow_provider_taskcluster.transfer.hashing.digests import algorithms_to_compute, verify_digests
from airflow_provider_taskcluster.transfer.model import Body
from airflow_provider_taskcluster.transfer.payload.file_names import MANIFEST, refused_names
from airflow_provider_taskcluster.transfer.payload.manifest import PayloadManifest
from airflow_provider_taskcluster.transfer.payload.model import PayloadResult, Stored
from airflow_provider_taskcluster.transfer.progress import PartReporter, Reporter, TotalSize
from airflow_provider_taskcluster.transfer.threads.buffers import Failure
from airflow_provider_taskcluster.transfer.threads.pool import run_jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from airflow_provider_taskcluster.transfer.download.artifact import ArtifactDownloader
    from airflow_provider_taskcluster.transfer.model import Json
    from airflow_provider_taskcluster.transfer.payload.destination import PayloadDestination
    from airflow_provider_taskcluster.transfer.payload.model import IfExists, OnError, PayloadFile, PayloadKey

log = logging.getLogger(__name__)

# Storage types for which the task announced size and type; those of a link or a URL are of its target.
ANNOUNCED = {"s3", "object"}
# How many names an error lists.
REASONS_LISTED = 5


@dataclass(frozen=True)
class PayloadOptions:
    """Options of a payload download.

    :param files: Files fetched at once.
    :param if_exists: How to treat existing files.
    :param on_error: Whether a file that cannot be fetched fails the download.
    """

    files: int
    if_exists: IfExists
    on_error: OnError


class PayloadDownload:
    """Downloads one payload to one destination."""

    def __init__(
        self,
        payload: PayloadKey,
        artifacts: ArtifactDownloader,
        destination: PayloadDestination,
        options: PayloadOptions,
    ) -> None:
        self._payload = payload
        self._artifacts = artifacts
        self._destination = destination
        self._options = options
        self._manifest = PayloadManifest(destination, payload)
        self._failure = Failure()
        config = artifacts.config
        self._reporter = Reporter(f"payload of {payload.task_id}", config.progress_seconds, config.on_progress)
        self._total = TotalSize(self._reporter, {})
        self._stored: dict[str, Stored] = {}
        self._transferred: set[str] = set()
        self._links: dict[str, str] = {}
        self._failed: dict[str, str] = {}
        self._lock = threading.Lock()

    def run(self, selected: Sequence[PayloadFile]) -> PayloadResult:
        """Download the selected files, and write the manifest.

        :raises NameRefused: A name cannot be that of a file at the destination.
        :raises InvalidInput: A file exists, and ``if_exists`` is ``fail``.
        :raises TaskclusterError: A file cannot be fetched, and ``on_error`` is ``fail``.
        """
        try:
            wanted = self._storable(selected)
            links = [file for file in wanted if file.storage_type == "link"]
            # Error artifacts first, to fail early; then the largest files, so that none is left alone at the end.
            files = [file for file in wanted if file.storage_type != "link"]
            self._total = TotalSize(self._reporter, {file.name: _listed_size(file) for file in files})
            files.sort(key=lambda file: (file.storage_type != "error", -(file.size or 0)))
            self._run_jobs(files, self._file)
            self._follow_links(links)
        except BaseException:
            with contextlib.suppress(TaskclusterError):  # it would hide the error that led here
                self._destination.flush()
            raise
        present = [self._stored[file.name] for file in selected if file.name in self._stored]
        result = PayloadResult(
            task_id=self._payload.task_id,
            run_id=self._payload.run_id,
            prefix=self._payload.prefix,
            folder=self._destination.url,
            manifest=self._destination.path_of(MANIFEST),
            files=tuple(present),
            transferred=frozenset(self._transferred),
            links=self._links,
            failed=self._failed,
            seconds=self._reporter.now().seconds,
        )
        self._manifest.close(result)
        self._reporter.finish()
        return result

    def _storable(self, selected: Sequence[PayloadFile]) -> list[PayloadFile]:
        """Return the files that can be stored, before anything is fetched."""
        reasons = refused_names([file.name for file in selected], case_sensitive=self._destination.case_sensitive)
        self._refuse(reasons, NameRefused, "cannot be stored")
        wanted = [file for file in selected if file.name not in reasons]
        if self._options.if_exists != "fail":
            return wanted
        present = {file.name: "a file of this name is there" for file in wanted if self._exists(file)}
        self._refuse(present, InvalidInput, "are there already (if_exists='verify' takes what is equal)")
        return [file for file in wanted if file.name not in present]

    def _refuse(self, reasons: Mapping[str, str], kind: type[TaskclusterError], problem: str) -> None:
        if reasons and self._options.on_error == "fail":
            listed = "; ".join(f"{name[:200]!r}: {reason}" for name, reason in list(reasons.items())[:REASONS_LISTED])
            more = f"; and {len(reasons) - REASONS_LISTED} more" if len(reasons) > REASONS_LISTED else ""
            raise kind(f"Artifacts of task {self._payload.task_id} {problem}: {listed}{more}. Nothing was fetched")
        for name, reason in reasons.items():
            log.warning("Artifact %r is not stored: %s", name, visible(reason))
            self._failed[name] = f"{kind.__name__}: {reason}"

    def _exists(self, file: PayloadFile) -> bool:
        try:
            return self._destination.existing(file.name) is not None
        except NameRefused:
            return True

    def _run_jobs(self, files: Sequence[PayloadFile], work: Callable[[PayloadFile], object]) -> None:
        run_jobs(files, partial(self._guarded, work), self._failure, min(self._options.files, len(files)))

    def _guarded(self, work: Callable[[PayloadFile], object], file: PayloadFile) -> None:
        """Run one job; with ``on_error='continue'``, note its error instead of raising."""
        try:
            try:
                work(file)
            except NameRefused as error:
                raise NameRefused(f"Artifact {file.artifact!r} is not stored: {error}") from None
        except Interrupted:
            raise
        except TaskclusterError as error:
            if self._options.on_error == "fail":
                raise
            log.warning("%r is left out: %s", file.name, visible(error))
            self._failed[file.name] = f"{type(error).__name__}: {error}"

    def _file(self, file: PayloadFile) -> None:
        if not self._reuse(file):
            artifact = self._artifact_id(file)
            self._fetch(file, artifact, self._artifacts.locate(artifact))

    def _reuse(self, file: PayloadFile) -> bool:
        """Take an existing file that the manifest confirms, without any call; return whether it does."""
        if self._options.if_exists != "verify":
            return False
        stored = self._manifest.verified_file(file.name)
        if not stored:
            return False
        self._total.learn(file.name, stored.size)
        self._reporter.advance(stored.size)
        self._stored[file.name] = stored
        return True

    def _fetch(self, file: PayloadFile, artifact: ArtifactId, answer: Json) -> None:
        announced = file.storage_type in ANNOUNCED and answer["storageType"] in {*ANNOUNCED, PLAIN_URL}
        expected = Expected(
            size=file.size if announced else None,
            content_type=file.content_type if announced else "",
            present=partial(self._existing_body, file),
        )
        config = self._artifacts.config
        if file.artifact == chain_of_trust.NAME:  # it does not name itself
            config = replace(config, chain_of_trust=False)
        share = PartReporter(self._reporter, self._failure.check, partial(self._total.learn, file.name))
        artifacts = replace(self._artifacts, config=config, reporter=share)
        result = artifacts.fetch(artifact, answer, self._destination.sink(file.name), expected)
        stored = Stored(
            name=file.name,
            path=self._destination.path_of(file.name),
            size=result.size,
            digests=result.digests,
            verified=result.verified,
            content_type=file.content_type if announced else result.content_type,
            origin=origin(answer),
            tag=self._tag(file.name, already_present=result.already_present),
        )
        with self._lock:
            self._stored[file.name] = stored
            if not result.already_present:
                self._transferred.add(file.name)
        self._manifest.add(stored)

    def _tag(self, name: str, *, already_present: bool) -> str:
        """Return the storage's tag of a file: looked up right after writing, or before an existing file was hashed.

        A later look-up could return the tag of another process's content, and make that count as verified.
        """
        if not already_present:
            return self._destination.tag(name)
        content = self._destination.existing(name)
        return content.tag if content else ""

    def _existing_body(self, file: PayloadFile, hashes: Mapping[str, str]) -> Body | None:
        """Return the existing file's body if it has the digests that the service names."""
        if not hashes or self._options.if_exists != "verify":
            return None
        content = self._destination.existing(file.name)
        if content is None or file.size not in {None, content.size}:
            return None
        digests = content.digests(algorithms_to_compute(hashes, ["sha256"]))
        try:
            checked = verify_digests(file.name, hashes, digests)
        except HashMismatch:
            return None
        if not checked:
            return None
        self._total.learn(file.name, content.size)
        self._reporter.advance(content.size)
        return Body(content.size, file.content_type, digests, checked, attempts=0)

    def _follow_links(self, links: Sequence[PayloadFile]) -> None:
        """Locate each link once; fetch its target unless it is stored under another name."""
        located: dict[str, Json] = {}

        def locate(link: PayloadFile) -> None:
            located[link.name] = self._artifacts.locate(self._artifact_id(link))

        self._run_jobs(links, self._reuse)
        self._run_jobs([link for link in links if not self._is_resolved(link)], locate)
        names = {stored.origin: stored.name for stored in self._stored.values() if stored.origin}
        first: list[PayloadFile] = []
        for link in links:
            if link.name in located:
                source = origin(located[link.name])
                if names.setdefault(source, link.name) == link.name or not source:
                    first.append(link)
                else:
                    self._links[link.name] = names[source]
        self._run_jobs(first, lambda link: self._fetch(link, self._artifact_id(link), located[link.name]))
        self._settle_links()

    def _is_resolved(self, link: PayloadFile) -> bool:
        """Tell whether a link needs no call: its target is stored under this name or, by the manifest, another."""
        target = self._manifest.link_target(link.name)
        if target in self._stored and self._options.if_exists == "verify":
            self._links[link.name] = str(target)
        return any(link.name in known for known in (self._stored, self._links, self._failed))

    def _settle_links(self) -> None:
        """Report links whose targets could not be fetched."""
        for link, target in list(self._links.items()):
            if target not in self._stored:
                del self._links[link]
                self._failed[link] = self._failed.get(target, "")

    def _artifact_id(self, file: PayloadFile) -> ArtifactId:
        return ArtifactId(self._payload.task_id, file.artifact, self._payload.run_id)


def _listed_size(file: PayloadFile) -> int | None:
    return 0 if file.storage_type == "error" else file.size

"""Brings the selected files of a payload into a place: several at once, only those that are not there yet."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
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
from airflow_provider_taskcluster.transfer.download.location import PLAIN_URL, Where, origin
from airflow_provider_taskcluster.transfer.hashing.digests import algorithms_to_compute, verify_digests
from airflow_provider_taskcluster.transfer.model import Body
from airflow_provider_taskcluster.transfer.payload.file_names import MANIFEST, refused
from airflow_provider_taskcluster.transfer.payload.manifest import Ledger
from airflow_provider_taskcluster.transfer.payload.model import PayloadResult, Stored
from airflow_provider_taskcluster.transfer.progress import PartReporter, Reporter, TotalSize
from airflow_provider_taskcluster.transfer.threads.buffers import Failure
from airflow_provider_taskcluster.transfer.threads.pool import Threads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from airflow_provider_taskcluster.transfer.download.artifact import ArtifactDownloader
    from airflow_provider_taskcluster.transfer.model import Json
    from airflow_provider_taskcluster.transfer.payload.destination import Place
    from airflow_provider_taskcluster.transfer.payload.model import IfExists, OnError, PayloadFile, Payloads

log = logging.getLogger(__name__)

# Storage types whose size and type the task announced itself; a link or a URL has those of what it leads to.
ANNOUNCED = {"s3", "object"}
# How many names an error lists.
LISTED = 5


@dataclass(frozen=True)
class Handling:
    """How the files of a payload are handled.

    :param files: How many are fetched at once.
    :param if_exists: What a file that is there means.
    :param on_error: Whether a file that cannot be had ends it all.
    """

    files: int
    if_exists: IfExists
    on_error: OnError


class PayloadDownload:
    """One payload on its way into one place."""

    def __init__(self, payload: Payloads, artifacts: ArtifactDownloader, place: Place, handling: Handling) -> None:
        self._payload = payload
        self._artifacts = artifacts
        self._place = place
        self._handling = handling
        self._ledger = Ledger(place, payload)
        self._failure = Failure()
        config = artifacts.config
        self._reporter = Reporter(f"payload of {payload.task_id}", config.progress_seconds, config.on_progress)
        self._total = TotalSize(self._reporter, {})
        self._stored: dict[str, Stored] = {}
        self._transferred: set[str] = set()
        self._links: dict[str, str] = {}
        self._failed: dict[str, str] = {}
        self._noting = threading.Lock()

    def run(self, selected: Sequence[PayloadFile]) -> PayloadResult:
        """Bring them there, and write the manifest.

        :raises NameRefused: A name cannot be that of a file there.
        :raises InvalidInput: A file is there, and ``if_exists`` is ``fail``.
        :raises TaskclusterError: The first file that cannot be had, unless ``on_error`` is ``continue``.
        """
        started = time.monotonic()
        try:
            wanted = self._unhindered(selected)
            links = [file for file in wanted if file.storage_type == "link"]
            # Errors first, so that they end it early; then the largest, so that none of them comes last alone.
            files = [file for file in wanted if file.storage_type != "link"]
            self._total = TotalSize(self._reporter, {file.name: _listed_size(file) for file in files})
            files.sort(key=lambda file: (file.storage_type != "error", -(file.size or 0)))
            self._several(files, self._file)
            self._follow(links)
        except BaseException:
            with contextlib.suppress(TaskclusterError):  # it would hide the error that led here
                self._place.settle()
            raise
        there = [self._stored[file.name] for file in selected if file.name in self._stored]
        result = PayloadResult(
            task_id=self._payload.task_id,
            run_id=self._payload.run_id,
            prefix=self._payload.prefix,
            folder=self._place.url,
            manifest=self._place.path_of(MANIFEST),
            files=tuple(there),
            transferred=frozenset(self._transferred),
            links=self._links,
            failed=self._failed,
            seconds=time.monotonic() - started,
        )
        self._ledger.close(result)
        self._reporter.finish()
        return result

    def _unhindered(self, selected: Sequence[PayloadFile]) -> list[PayloadFile]:
        """Return those that can be stored at all, before anything is fetched."""
        reasons = refused([file.name for file in selected], case_sensitive=self._place.case_sensitive)
        self._hindered(reasons, NameRefused, "cannot be stored")
        wanted = [file for file in selected if file.name not in reasons]
        if self._handling.if_exists != "fail":
            return wanted
        there = {file.name: "a file of this name is there" for file in wanted if self._occupied(file)}
        self._hindered(there, InvalidInput, "are there already (if_exists='verify' takes what is equal)")
        return [file for file in wanted if file.name not in there]

    def _hindered(self, reasons: Mapping[str, str], kind: type[TaskclusterError], what: str) -> None:
        if reasons and self._handling.on_error == "fail":
            listed = "; ".join(f"{name[:200]!r}: {reason}" for name, reason in list(reasons.items())[:LISTED])
            more = f"; and {len(reasons) - LISTED} more" if len(reasons) > LISTED else ""
            raise kind(f"Artifacts of task {self._payload.task_id} {what}: {listed}{more}. Nothing was fetched")
        for name, reason in reasons.items():
            log.warning("Artifact %r is not stored: %s", name, visible(reason))
            self._failed[name] = f"{kind.__name__}: {reason}"

    def _occupied(self, file: PayloadFile) -> bool:
        try:
            return self._place.look(file.name) is not None
        except NameRefused:
            return True

    def _several(self, files: Sequence[PayloadFile], work: Callable[[PayloadFile], object]) -> None:
        count = min(self._handling.files, len(files))
        if count:
            Threads(count).run(files, partial(self._guarded, work), self._failure)

    def _guarded(self, work: Callable[[PayloadFile], object], file: PayloadFile) -> None:
        """Do it; note an error that the others shall not end with."""
        try:
            try:
                work(file)
            except NameRefused as error:
                raise NameRefused(f"Artifact {file.artifact!r} is not stored: {error}") from None
        except Interrupted:
            raise
        except TaskclusterError as error:
            if self._handling.on_error == "fail":
                raise
            log.warning("%r is left out: %s", file.name, visible(error))
            self._failed[file.name] = f"{type(error).__name__}: {error}"

    def _file(self, file: PayloadFile) -> None:
        if not self._there(file):
            where = self._where(file)
            self._fetch(file, where, self._artifacts.locate(where))

    def _there(self, file: PayloadFile) -> bool:
        """Tell whether the ledger knows that it is there already; no call is needed then."""
        if self._handling.if_exists != "verify":
            return False
        stored = self._ledger.known(file.name)
        if not stored:
            return False
        self._total.learn(file.name, stored.size)
        self._reporter.advance(stored.size)
        self._stored[file.name] = stored
        return True

    def _fetch(self, file: PayloadFile, where: Where, answer: Json) -> None:
        announced = file.storage_type in ANNOUNCED and answer["storageType"] in {*ANNOUNCED, PLAIN_URL}
        expected = Expected(
            size=file.size if announced else None,
            content_type=file.content_type if announced else "",
            present=partial(self._present, file),
        )
        config = self._artifacts.config
        if file.artifact == chain_of_trust.NAME:  # it does not name itself
            config = replace(config, chain_of_trust=False)
        share = PartReporter(self._reporter, self._failure.check, partial(self._total.learn, file.name))
        artifacts = replace(self._artifacts, config=config, reporter=share)
        result = artifacts.fetch(where, answer, self._place.sink(file.name), expected)
        stored = Stored(
            name=file.name,
            path=self._place.path_of(file.name),
            size=result.size,
            digests=result.digests,
            verified=result.verified,
            content_type=file.content_type if announced else result.content_type,
            origin=origin(answer),
            tag=self._tag(file.name, already_present=result.already_present),
        )
        with self._noting:
            self._stored[file.name] = stored
            if not result.already_present:
                self._transferred.add(file.name)
        self._ledger.note(stored)

    def _tag(self, name: str, *, already_present: bool) -> str:
        """Return what the storage calls a content, looked up at once, and before it was hashed if it was there.

        Later it might be the tag of what somebody else has written there since, and would make that count as verified.
        """
        if not already_present:
            return self._place.tag(name)
        content = self._place.look(name)
        return content.tag if content else ""

    def _present(self, file: PayloadFile, hashes: Mapping[str, str]) -> Body | None:
        """Return what is there of a file, if it has the digests that the service names."""
        if not hashes or self._handling.if_exists != "verify":
            return None
        content = self._place.look(file.name)
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

    def _follow(self, links: Sequence[PayloadFile]) -> None:
        """Ask where each link leads, once; fetch what is not there under another name."""
        located: dict[str, Json] = {}

        def locate(link: PayloadFile) -> None:
            located[link.name] = self._artifacts.locate(self._where(link))

        self._several(links, self._there)
        self._several([link for link in links if not self._known(link)], locate)
        names = {stored.origin: stored.name for stored in self._stored.values() if stored.origin}
        first: list[PayloadFile] = []
        for link in links:
            if link.name in located:
                source = origin(located[link.name])
                if names.setdefault(source, link.name) == link.name or not source:
                    first.append(link)
                else:
                    self._links[link.name] = names[source]
        self._several(first, lambda link: self._fetch(link, self._where(link), located[link.name]))
        self._settle_links()

    def _known(self, link: PayloadFile) -> bool:
        """Tell whether nothing is to be asked: what it leads to is there under this name or, by the ledger, another."""
        target = self._ledger.target(link.name)
        if target in self._stored and self._handling.if_exists == "verify":
            self._links[link.name] = str(target)
        return any(link.name in known for known in (self._stored, self._links, self._failed))

    def _settle_links(self) -> None:
        """Report links to what could not be had."""
        for link, target in list(self._links.items()):
            if target not in self._stored:
                del self._links[link]
                self._failed[link] = self._failed.get(target, "")

    def _where(self, file: PayloadFile) -> Where:
        return Where(self._payload.task_id, file.artifact, self._payload.run_id)


def _listed_size(file: PayloadFile) -> int | None:
    return 0 if file.storage_type == "error" else file.size

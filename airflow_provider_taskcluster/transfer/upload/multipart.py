"""Uploads in parts: each part is an object, and a manifest under the real name is written last.

Protocol only: the verbs of an upload in parts, and no loop; ``resumable.py`` schedules the parts. The service is the
record of finished parts: a part that exists costs two calls and no bytes, even from a machine that has never seen the
upload. Scopes: those of the object, and ``object:upload:<projectId>:<name>.part-*``. Parts of an abandoned upload live
until its expiry.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common import names
from airflow_provider_taskcluster.exceptions import Conflict, InvalidInput, InvalidName, SourceChanged
from airflow_provider_taskcluster.transfer.parts_manifest import CONTENT_TYPE, MOST_PARTS, Manifest, Part, part_name
from airflow_provider_taskcluster.transfer.progress import PartReporter, Reporter
from airflow_provider_taskcluster.transfer.source.base import BytesSource
from airflow_provider_taskcluster.transfer.upload.measure import Measured, measure, measure_parts
from airflow_provider_taskcluster.transfer.upload.parts import GENERATION, effective_part_size, generation_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_taskcluster.transfer.model import TransferResult
    from airflow_provider_taskcluster.transfer.source.base import Source
    from airflow_provider_taskcluster.transfer.threads.buffers import Failure
    from airflow_provider_taskcluster.transfer.upload.object import Target, Uploader
    from airflow_provider_taskcluster.transfer.upload.parts import PartSize


@dataclass(frozen=True)
class InitializedParts:
    """An upload in parts whose identity is fixed. No call was made yet.

    :param manifest: The manifest to write after all parts.
    :param part_size: Bytes of each part but the last.
    :param measured: Size and digests of each part.
    :param reporter: Receives the progress of the whole.
    """

    source: Source
    target: Target
    manifest: Manifest
    part_size: int
    measured: tuple[Measured, ...]
    reporter: Reporter


@dataclass(frozen=True)
class Partition:
    """One part to send.

    :param number: From 0.
    :param source: The part's bytes.
    :param failure: Failure of the overall upload, if parts are sent at once: it ends the waits between tries.
    """

    number: int
    source: Source
    failure: Failure | None = None


@dataclass(frozen=True)
class UploadedPart:
    """A part that is uploaded.

    :param already_present: Whether it was uploaded before.
    """

    number: int
    already_present: bool


@dataclass(frozen=True)
class MultipartUploader:
    """The verbs of an upload in parts."""

    uploader: Uploader

    def initialize_parts(
        self, source: Source, target: Target, part_size: PartSize | None = None, measured: Measured | None = None
    ) -> InitializedParts:
        """Read the source, cut it, and fix the identity of the upload and of its parts.

        The source is read once; twice if its length is unknown and the part size depends on it.

        :param part_size: Bytes of each part, or a function of the total; 64 MiB or more by default.
        :param measured: Size and digests of the source, if it was read before.
        :raises InvalidName: The name is too long to have parts.
        :raises SourceChanged: The source changed while it was read.
        """
        check_name(target.name)
        length = measured.size if measured else source.length()
        if length is None and callable(part_size):
            length = measure(source, self.uploader.store.check).size
        initialized = self._cut(source, target, length, effective_part_size(part_size, length or 0))
        if length is None:
            length = initialized.manifest.size
            size = effective_part_size(part_size, length)
            if size != initialized.part_size:  # the source is too long for parts of this size
                initialized = self._cut(source, target, length, size)
        return self._fix_identity(initialized)

    def reinitialize_parts(
        self, initialized: InitializedParts, target: Target | None = None, part_size: PartSize | None = None
    ) -> InitializedParts:
        """Initialize again from the same source, with another target, expiry or part size."""
        return self.initialize_parts(
            initialized.source, target or initialized.target, part_size or initialized.part_size
        )

    def try_to_resume_parts(
        self, source: Source, target: Target, measured: Measured | None = None
    ) -> InitializedParts | None:
        """Resume a recorded upload of an earlier try, in its part size; None if no record fits.

        Creates nothing and raises nothing: ``initialize_parts`` reports the errors.

        :param measured: Size and digests of the source, if it was read before.
        """
        try:
            kept = target.identity.kept()
            if kept is None or kept.part_size is None or source.length() not in {None, kept.size}:
                return None
            if measured and not target.identity.fits(kept, measured.size, measured.sha256):
                return None
            if effective_part_size(kept.part_size, kept.size) != kept.part_size:
                return None
            initialized = self._cut(source, target, kept.size, kept.part_size)
            fits = target.identity.fits(kept, initialized.manifest.size, initialized.manifest.sha256)
            return self._fix_identity(initialized) if fits else None
        except Exception:  # noqa: BLE001 (by contract)
            return None

    def upload_part(self, initialized: InitializedParts, partition: Partition) -> UploadedPart:
        """Upload one part, unless it exists already.

        :raises SourceChanged: The part's bytes are not the measured ones.
        :raises Conflict: The part's name is held by another upload.
        """
        part, measured = initialized.manifest.parts[partition.number], initialized.measured[partition.number]
        share = PartReporter(initialized.reporter)
        target = initialized.target.of_part(part.name)
        result = self.uploader.send(partition.source, measured, target, share, partition.failure)
        if result.already_present:
            share.restart(part.size)  # another try may have finished it during the upload
            share.advance(part.size)
        return UploadedPart(partition.number, result.already_present)

    def complete_parts(self, initialized: InitializedParts, parts: Iterable[UploadedPart]) -> TransferResult:
        """Write the manifest, which makes the object complete.

        :raises InvalidInput: A part is missing.
        :raises SourceChanged: The source has grown or shrunk since it was read.
        :raises Conflict: The name is taken by other content, or held by another upload.
        """
        manifest, target, source = initialized.manifest, initialized.target, initialized.source
        if missing := set(range(len(manifest.parts))) - {done.number for done in parts}:
            raise InvalidInput(f"Part {min(missing)} of {target.name!r} is not uploaded yet")
        if source.length() not in {None, manifest.size}:
            raise SourceChanged(
                f"The {source.description} changed its length while it was uploaded, so the upload was not finished: "
                f"run the task again when the source is complete"
            )
        return write_manifest(self.uploader, manifest, target, initialized.reporter)

    async def async_initialize_parts(
        self, source: Source, target: Target, part_size: PartSize | None = None
    ) -> InitializedParts:
        """Do ``initialize_parts`` in a thread."""
        return await asyncio.to_thread(self.initialize_parts, source, target, part_size)

    async def async_reinitialize_parts(
        self, initialized: InitializedParts, target: Target | None = None, part_size: PartSize | None = None
    ) -> InitializedParts:
        """Do ``reinitialize_parts`` in a thread."""
        return await asyncio.to_thread(self.reinitialize_parts, initialized, target, part_size)

    async def async_try_to_resume_parts(self, source: Source, target: Target) -> InitializedParts | None:
        """Do ``try_to_resume_parts`` in a thread."""
        return await asyncio.to_thread(self.try_to_resume_parts, source, target)

    async def async_upload_part(self, initialized: InitializedParts, partition: Partition) -> UploadedPart:
        """Do ``upload_part`` in a thread."""
        return await asyncio.to_thread(self.upload_part, initialized, partition)

    async def async_complete_parts(
        self, initialized: InitializedParts, parts: Iterable[UploadedPart]
    ) -> TransferResult:
        """Do ``complete_parts`` in a thread."""
        return await asyncio.to_thread(self.complete_parts, initialized, parts)

    def _cut(self, source: Source, target: Target, length: int | None, part_size: int) -> InitializedParts:
        """Measure the source and its parts, and name the parts.

        :param length: Bytes that the source must have; None if unknown.
        """
        size, sha256, measured = measure_parts(source, part_size, self.uploader.store.check)
        if length is not None and size != length:
            raise SourceChanged(f"The {source.description} changed while it was read: upload it when it is complete")
        generation = generation_of(
            project_id=target.identity.project_id,
            expires=target.identity.expires,
            part_size=part_size,
            size=size,
            sha256=sha256,
        )
        parts = parts_of(target.name, generation, measured)
        manifest = Manifest(size, target.content_type, sha256, parts)
        reporter = self.uploader.reporter(target.name)
        reporter.restart(size)
        return InitializedParts(source, target, manifest, part_size, tuple(measured), reporter)

    def _fix_identity(self, initialized: InitializedParts) -> InitializedParts:
        manifest = initialized.manifest
        initialized.target.identity.begin(manifest.size, manifest.sha256, initialized.part_size)
        return initialized


def check_name(name: str) -> None:
    """Check that a name is short enough for an upload in parts, before anything is read or sent.

    :raises InvalidName: It is too long.
    """
    longest = names.LONGEST_NAME - len(part_name("", "0" * GENERATION, MOST_PARTS - 1))
    if len(name) > longest:
        raise InvalidName(
            f"The object name {name[:60]!r}... is too long for an upload in parts, whose names are longer still: "
            f"{longest} characters are the most"
        )


def parts_of(name: str, generation: str, measured: Iterable[Measured]) -> list[Part]:
    """Return the named parts of an object."""
    parts: list[Part] = []
    offset = 0
    for number, partition in enumerate(measured):
        parts.append(Part(part_name(name, generation, number), offset, partition.size, partition.sha256))
        offset += partition.size
    return parts


def write_manifest(uploader: Uploader, manifest: Manifest, target: Target, reporter: Reporter) -> TransferResult:
    """Upload the manifest under the real name, which finishes the upload."""
    source = BytesSource(manifest.to_json())
    manifest_target = replace(target, content_type=CONTENT_TYPE)
    try:
        written = uploader.send(source, measure(source), manifest_target, PartReporter(Reporter("", math.inf)))
    except Conflict as conflict:
        reason = f"What was to go there is the manifest of parts, of content with the sha256 {manifest.sha256}"
        raise Conflict(f"{conflict}. {reason}", status=conflict.status, code=conflict.code) from conflict
    target.identity.end()
    reporter.finish()
    ours = written.verified != "none"  # else if_exists is "skip", and other content is there
    return replace(
        written,
        size=manifest.size,
        content_type=manifest.content_type,
        digests={"sha256": manifest.sha256} if ours else written.digests,
        method="multipart" if ours else written.method,
        verified="sha256" if ours else written.verified,
        attempts=reporter.attempt,
    )

"""Uploads any source in parts: resumes an earlier try, schedules the parts, writes the manifest.

A seekable source is cut into sections. A source with a single position (an open file, the readers of a factory) is read
in order, and each part is held in memory while it is sent. A stream that can be read only once is hashed part by part
as it is read, and cannot be resumed.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from airflow_provider_taskcluster.common.messages import visible
from airflow_provider_taskcluster.exceptions import SourceChanged, TooLarge
from airflow_provider_taskcluster.transfer.hashing.digests import Hashers
from airflow_provider_taskcluster.transfer.parts_manifest import MOST_PARTS, Manifest, part_name
from airflow_provider_taskcluster.transfer.progress import PartReporter, timed
from airflow_provider_taskcluster.transfer.source.abortable import AbortableSource
from airflow_provider_taskcluster.transfer.source.base import BytesSource, Source, StreamSource
from airflow_provider_taskcluster.transfer.source.reading import has_more, read_up_to
from airflow_provider_taskcluster.transfer.threads.buffers import Failure
from airflow_provider_taskcluster.transfer.threads.pool import run_jobs
from airflow_provider_taskcluster.transfer.upload.existing import existing_result
from airflow_provider_taskcluster.transfer.upload.measure import measure_part
from airflow_provider_taskcluster.transfer.upload.multipart import (
    MultipartUploader,
    Partition,
    check_name,
    parts_of,
    write_manifest,
)
from airflow_provider_taskcluster.transfer.upload.parts import GENERATION, effective_part_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_provider_taskcluster.transfer.model import TransferResult
    from airflow_provider_taskcluster.transfer.parts_manifest import Part
    from airflow_provider_taskcluster.transfer.upload.existing import WholeSha256
    from airflow_provider_taskcluster.transfer.upload.measure import Measured
    from airflow_provider_taskcluster.transfer.upload.multipart import InitializedParts
    from airflow_provider_taskcluster.transfer.upload.object import Target, Uploader
    from airflow_provider_taskcluster.transfer.upload.parts import PartSize

log = logging.getLogger(__name__)


@timed
def upload_in_parts(
    uploader: Uploader,
    source: Source,
    target: Target,
    *,
    part_size: PartSize | None = None,
    connections: int,
    whole_sha256: WholeSha256,
    measured: Measured | None = None,
) -> TransferResult:
    """Upload a source in parts, several at once.

    :param connections: Parts sent at once.
    :param measured: Size and digests of the source, if it was read before.
    :param whole_sha256: Returns the sha256 of an object that was uploaded in parts, None for any other object.
    :raises InvalidName: The name is too long to have parts.
    """
    check_name(target.name)
    if not callable(part_size):
        effective_part_size(part_size, 0)  # refuse an invalid size before any call
    existing = existing_result(uploader, source, target, part_size, whole_sha256=whole_sha256, measured=measured)
    if existing:
        return existing
    if isinstance(source, StreamSource):
        return _StreamUpload(uploader, source, target, part_size).run()
    verbs = MultipartUploader(uploader)
    initialized = verbs.try_to_resume_parts(source, target, measured)
    initialized = initialized or verbs.initialize_parts(source, target, part_size, measured)
    count = len(initialized.manifest.parts)
    log.info("Uploading %r in %d parts of %d bytes", target.name, count, initialized.part_size)
    failure, at_once = Failure(), min(connections, count)
    unsent = partitions(initialized, failure if at_once > 1 else None)
    done = run_jobs(unsent, lambda partition: verbs.upload_part(initialized, partition), failure, at_once)
    if present := sum(part.already_present for part in done):
        log.info("%d of %d parts of %r were there already", present, count, target.name)
    return verbs.complete_parts(initialized, done)


def partitions(initialized: InitializedParts, failure: Failure | None) -> Iterator[Partition]:
    """Yield the parts of a source in order.

    :param failure: Failure of the upload, if parts are sent at once: it aborts those in transfer.
    """
    source, parts = initialized.source, initialized.manifest.parts
    if source.section(0, 0) is None:
        yield from _buffered_parts(source, parts, failure)
        return
    for number, part in enumerate(parts):
        section = cast("Source", source.section(part.offset, part.size))
        yield Partition(number, AbortableSource(section, failure), failure)


def _buffered_parts(source: Source, parts: Sequence[Part], failure: Failure | None) -> Iterator[Partition]:
    """Yield parts that are read in order and held in memory. No variable here keeps one alive after it was sent."""
    with source.reading() as reader:
        for number, part in enumerate(parts):
            yield Partition(
                number, AbortableSource(BytesSource.without_copy(read_up_to(reader, part.size)), failure), failure
            )
        if has_more(reader):
            raise SourceChanged(
                f"The {source.description} has grown while it was uploaded, so the upload was not finished: "
                "run the task again when the source is complete"
            )


@dataclass(frozen=True)
class _StreamUpload:
    """An upload of a stream that can be read only once."""

    uploader: Uploader
    source: StreamSource
    target: Target
    part_size: PartSize | None

    def run(self) -> TransferResult:
        size = effective_part_size(self.part_size, 0)
        log.warning(
            "The %s can be read only once: each part of %d bytes is held in memory, and a retry begins anew",
            visible(self.source.description),
            size,
        )
        generation = secrets.token_hex(GENERATION // 2)
        self.target.identity.begin_unrecorded()
        reporter = self.uploader.reporter(self.target.name)
        whole = Hashers(["sha256"])
        measured: list[Measured] = []
        with self.source.reading() as reader:
            while data := read_up_to(reader, size):
                if len(measured) == MOST_PARTS:
                    raise TooLarge(
                        f"The {self.source.description} has more than {MOST_PARTS} parts of {size} bytes: "
                        f"upload it with a larger part_size"
                    )
                part = BytesSource.without_copy(data)
                whole.update(data)
                measured.append(measure_part(part, self.uploader.store.check))
                name = part_name(self.target.name, generation, len(measured) - 1)
                self.uploader.send(part, measured[-1], self.target.of_part(name), PartReporter(reporter))
                del data, part  # before the next one is read
        parts = parts_of(self.target.name, generation, measured)
        manifest = Manifest(whole.seen, self.target.content_type, whole.digests()["sha256"], parts)
        return write_manifest(self.uploader, manifest, self.target, reporter)

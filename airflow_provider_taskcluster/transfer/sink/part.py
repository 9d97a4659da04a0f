"""The sink of one part: a section of the sink of the whole body."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_taskcluster.exceptions import HashMismatch
from airflow_provider_taskcluster.transfer.sink.base import Sink

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_taskcluster.transfer.parts_manifest import Part


class PartSink(Sink):
    """Writes one part to its section of the sink of the whole.

    :param into: The sink of the whole.
    :param on_bytes: Called with the bytes, each once and in order; only if the whole takes bytes in order.
    """

    def __init__(self, into: Sink, part: Part, on_bytes: Callable[[memoryview], None] | None = None) -> None:
        self._into = into
        self._part = part
        self._on_bytes = on_bytes
        self._position = 0
        self._passed = 0

    def begin(self, size: int | None) -> None:
        """Start from the first byte of the part. Bytes that the whole has taken in order are not written again."""
        if size not in {None, self._part.size}:
            raise HashMismatch(
                f"Part {self._part.name!r} has {size} bytes, and the manifest says {self._part.size}: "
                f"the stored bytes are not those that were uploaded: upload it again"
            )
        self._position = 0

    def write(self, data: bytes | memoryview) -> None:
        """Write the next bytes of the part."""
        view = memoryview(data)
        if self._position + len(view) > self._part.size:
            raise HashMismatch(
                f"Part {self._part.name!r} has more than the {self._part.size} bytes that the manifest says: "
                f"the stored bytes are not those that were uploaded: upload it again"
            )
        if self._on_bytes is None:
            self._into.write_at(self._part.offset + self._position, view)
        elif fresh := view[max(0, self._passed - self._position) :]:
            self._into.write(fresh)
            self._on_bytes(fresh)
            self._passed += len(fresh)
        self._position += len(view)

    def commit(self) -> None:
        """Check the length of the part."""
        if self._position != self._part.size:
            raise HashMismatch(
                f"Part {self._part.name!r} has {self._position} bytes, and the manifest says "
                f"{self._part.size}: upload it again"
            )

    def discard(self) -> None:
        """Do nothing: the sink of the whole discards the bytes."""

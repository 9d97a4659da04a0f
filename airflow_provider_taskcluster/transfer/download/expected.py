"""Checks the store's response against the size and type that the task announced. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.exceptions import NotAsAnnounced

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_taskcluster.transfer.http.ranges import Facts
    from airflow_provider_taskcluster.transfer.model import Body

# Content types that stores send when they know none.
GENERIC_TYPES = {"", "application/octet-stream", "binary/octet-stream"}


def _nothing_present(_hashes: Mapping[str, str]) -> Body | None:
    return None


@dataclass(frozen=True)
class Expected:
    """The announced size and type of an artifact, and a look-up of the copy at the destination.

    :param size: Bytes of the content; None if not announced.
    :param content_type: "" if not announced.
    :param present: Returns the body that the destination has already, if it has the given digests.
    """

    size: int | None = None
    content_type: str = ""
    present: Callable[[Mapping[str, str]], Body | None] = _nothing_present

    def check_headers(self, name: str, facts: Facts) -> None:
        """Check the headers of the first response, before any byte is taken.

        :raises NotAsAnnounced: Size or type differ.
        """
        if not self.fits_size_of(facts):
            self._require_size(name, {facts.total})
        announced, stored = _media_type(self.content_type), _media_type(facts.content_type)
        if announced != stored and not {announced, stored} & GENERIC_TYPES:
            raise NotAsAnnounced(
                f"{name!r} was announced as {announced}, and the store answers with {stored}: "
                f"this is something else, see what the task uploaded"
            )

    def fits_size_of(self, facts: Facts) -> bool:
        """Tell whether the response's length can be that of the announced size."""
        return bool(facts.encoding) or None in {self.size, facts.total} or self.size == facts.total

    def check_size(self, name: str, facts: Facts, size: int) -> None:
        """Check the size of the received content. A task may have announced the encoded size instead.

        :raises NotAsAnnounced: The size differs.
        """
        self._require_size(name, {size, facts.total} if facts.encoding else {size})

    def _require_size(self, name: str, sizes: set[int | None]) -> None:
        if self.size is not None and self.size not in sizes:
            stored = " or ".join(str(size) for size in sizes if size is not None)
            raise NotAsAnnounced(
                f"{name!r} was announced with {self.size} bytes, and the store has {stored}: see what the task uploaded"
            )


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()

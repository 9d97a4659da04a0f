"""What is known of a body before it is asked for, compared with what the store answers. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.exceptions import NotAsAnnounced

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_taskcluster.transfer.http.ranges import Facts
    from airflow_provider_taskcluster.transfer.model import Body

# What stores say of a body whose type they were not told.
UNKNOWN_TYPES = {"", "application/octet-stream", "binary/octet-stream"}


def _nothing_there(_hashes: Mapping[str, str]) -> Body | None:
    return None


@dataclass(frozen=True)
class Expected:
    """What the task announced of an artifact, and what the destination has of it.

    :param size: Bytes of the content; None if it was not said.
    :param content_type: Its type; "" if it was not said.
    :param present: Returns the body that the destination has already, if it has these digests.
    """

    size: int | None = None
    content_type: str = ""
    present: Callable[[Mapping[str, str]], Body | None] = _nothing_there

    def check_first(self, name: str, facts: Facts) -> None:
        """Compare it with the first answer, before a byte is taken.

        :raises NotAsAnnounced: It is something else.
        """
        if not self.fits_size_of(facts):
            self._check_size(name, {facts.total})
        said, stored = _plain(self.content_type), _plain(facts.content_type)
        if said != stored and not {said, stored} & UNKNOWN_TYPES:
            raise NotAsAnnounced(
                f"{name!r} was announced as {said}, and the store answers with {stored}: "
                f"this is something else, see what the task uploaded"
            )

    def fits_size_of(self, facts: Facts) -> bool:
        """Tell whether the body that an answer tells of can have the size that was announced."""
        return bool(facts.encoding) or None in {self.size, facts.total} or self.size == facts.total

    def check_last(self, name: str, facts: Facts, size: int) -> None:
        """Compare it with what came. A task may have announced the size of the encoded body.

        :raises NotAsAnnounced: It has another size.
        """
        self._check_size(name, {size, facts.total} if facts.encoding else {size})

    def _check_size(self, name: str, found: set[int | None]) -> None:
        if self.size is not None and self.size not in found:
            sizes = " or ".join(str(size) for size in found if size is not None)
            raise NotAsAnnounced(
                f"{name!r} was announced with {self.size} bytes, and the store has {sizes}: see what the task uploaded"
            )


def _plain(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()

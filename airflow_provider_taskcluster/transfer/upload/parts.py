"""How a source is cut into parts. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.common import counts
from airflow_provider_taskcluster.exceptions import InvalidInput, TooLarge
from airflow_provider_taskcluster.transfer.config import GIB, MIB
from airflow_provider_taskcluster.transfer.parts_manifest import LARGEST_PART, MOST_PARTS
from airflow_provider_taskcluster.transfer.upload.identity import milliseconds

if TYPE_CHECKING:
    from datetime import datetime

# Bytes, or a function that is given the bytes of the whole: 0 where nobody knows them, as those of a pipe.
PartSize = int | Callable[[int], int]

DEFAULT_PART = 64 * MIB
# A multi-part upload of this size still has a thousand parts, not ten thousand.
_USUAL_PARTS = 1000
# Characters of a generation.
GENERATION = 16


def default_part_size(total: int) -> int:
    """64 MiB, and more for files above 64,000 MiB."""
    return max(DEFAULT_PART, -(-total // (_USUAL_PARTS * MIB)) * MIB)


def effective_part_size(wanted: PartSize | None, total: int) -> int:
    """Return the bytes of each part but the last, of a source of ``total`` bytes.

    It is clamped to what one PUT can carry, and raised where there would be more parts than a manifest may have.
    A function that gives 0, as a quarter of a small total does, means the least there can be; where the total is 0
    (nothing there, or a stream whose length nobody knows), the default.

    :raises InvalidInput: It is no positive number.
    :raises TooLarge: There would be more parts than a manifest may have, however large they are.
    """
    given = (wanted or default_part_size)(total) if wanted is None or callable(wanted) else wanted
    size = _number(given, "part_size", least=0 if callable(wanted) else 1)
    if not size:
        size = 1 if total else default_part_size(total)
    least = -(-total // MOST_PARTS)
    if least > LARGEST_PART:
        raise TooLarge(
            f"{total} bytes are more than {MOST_PARTS} parts of {LARGEST_PART // GIB} GiB can carry: split it"
        )
    return min(max(size, least), LARGEST_PART)


def size_or_function(wanted: Any, what: str) -> None:
    """Check what ``part_size`` takes; a function is not called.

    :param what: Name of the argument, for the error.
    :raises InvalidInput: It cannot be.
    """
    if wanted is not None and not callable(wanted):
        _number(wanted, what, least=1)


def _number(value: Any, what: str, *, least: int) -> int:
    number = counts.read(value)
    if number is None or number < least:
        raise InvalidInput(f"{what} is {value!r}: pass a number of bytes, or a function that returns one")
    return number


def generation_of(*, project_id: str, expires: datetime, part_size: int, size: int, sha256: str) -> str:
    """Return what tells the parts of one upload from those of others under the same name.

    Derived from what makes the parts what they are, never random, so that an empty disk finds them again.
    """
    facts = [project_id, milliseconds(expires), part_size, size, sha256]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:GENERATION]

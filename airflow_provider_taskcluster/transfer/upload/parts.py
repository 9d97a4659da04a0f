"""Decides whether a source is uploaded in parts, and their size. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, get_args

from airflow_provider_taskcluster.common import counts
from airflow_provider_taskcluster.exceptions import InvalidInput, TooLarge
from airflow_provider_taskcluster.transfer.config import GIB, MIB
from airflow_provider_taskcluster.transfer.parts_manifest import LARGEST_PART, MOST_PARTS
from airflow_provider_taskcluster.transfer.upload.upload_id import milliseconds

if TYPE_CHECKING:
    from datetime import datetime

Multipart = Literal["auto", "never", "always"]
# Bytes, or a function of the total bytes (0 if unknown, as for a pipe).
PartSize = int | Callable[[int], int]

DEFAULT_PART = 64 * MIB
# A multi-part upload of this size still has a thousand parts, not ten thousand.
_USUAL_PARTS = 1000
# Characters of a generation.
GENERATION = 16


def check_multipart(multipart: Multipart, threshold: int) -> int:
    """Check ``multipart`` and its threshold before anything is read; return the threshold as a number.

    :raises InvalidInput: ``multipart`` is none of the choices, or the threshold is no number of bytes.
    """
    if multipart not in get_args(Multipart):
        raise InvalidInput(f"multipart is {multipart!r}: pass 'auto', 'never' or 'always'")
    return counts.number_of_bytes(threshold, "multipart_threshold")


def needs_parts(length: int, multipart: Multipart, threshold: int = LARGEST_PART) -> bool:
    """Tell whether a source of ``length`` bytes is uploaded in parts.

    By default only if one PUT cannot carry it, because other clients download the manifest instead of the content.

    :param threshold: Bytes above which ``auto`` uses parts.
    :raises TooLarge: The source does not fit into one PUT, and parts are forbidden.
    :raises InvalidInput: ``multipart`` is none of the choices, or the threshold is no number of bytes.
    """
    threshold = check_multipart(multipart, threshold)
    if multipart == "never" and length > LARGEST_PART:
        raise TooLarge(
            f"{length} bytes are more than one PUT can carry ({LARGEST_PART // GIB} GiB): "
            f"upload them in parts with multipart='auto'"
        )
    return multipart == "always" or (multipart == "auto" and length > min(threshold, LARGEST_PART))


def default_part_size(total: int) -> int:
    """Return the default part size: 64 MiB, and more for files above 64,000 MiB."""
    return max(DEFAULT_PART, -(-total // (_USUAL_PARTS * MIB)) * MIB)


def effective_part_size(wanted: PartSize | None, total: int) -> int:
    """Return the bytes of each part but the last, of a source of ``total`` bytes.

    The size is clamped to what one PUT can carry, and raised to keep within the parts that a manifest may have. A 0
    from a function (a quarter of a small total, say) means the smallest part; for an empty source, or one of unknown
    size, the default.

    :raises InvalidInput: The part size is no positive number.
    :raises TooLarge: The source needs more parts than a manifest may have, even at the largest part size.
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


def size_or_function(wanted: Any, argument: str) -> None:
    """Check a ``part_size`` argument; a function is not called.

    :param argument: Name of the argument, for the error.
    :raises InvalidInput: It is neither a positive number nor a function.
    """
    if wanted is not None and not callable(wanted):
        _number(wanted, argument, least=1)


def _number(value: Any, argument: str, *, least: int) -> int:
    number = counts.read_count(value)
    if number is None or number < least:
        raise InvalidInput(f"{argument} is {value!r}: pass a number of bytes, or a function that returns one")
    return number


def generation_of(*, project_id: str, expires: datetime, part_size: int, size: int, sha256: str) -> str:
    """Return the generation of an upload, which keeps its parts apart from those of others under the same name.

    Derived from the content and the part size, never random, so that a machine without a record finds the parts again.
    """
    facts = [project_id, milliseconds(expires), part_size, size, sha256]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:GENERATION]

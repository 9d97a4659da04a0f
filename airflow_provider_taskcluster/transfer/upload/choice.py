"""Whether a source is uploaded in one piece or in parts. Pure."""

from __future__ import annotations

from typing import Any, Literal, get_args

from airflow_provider_taskcluster.common import counts
from airflow_provider_taskcluster.exceptions import InvalidInput, TooLarge
from airflow_provider_taskcluster.transfer.config import GIB
from airflow_provider_taskcluster.transfer.parts_manifest import LARGEST_PART

Multipart = Literal["auto", "never", "always"]


def check(multipart: Multipart, threshold: int) -> int:
    """Refuse what is no choice, before anything is read; return the threshold as a number.

    :raises InvalidInput: ``multipart`` is something else, or the threshold is no number of bytes.
    """
    if multipart not in get_args(Multipart):
        raise InvalidInput(f"multipart is {multipart!r}: pass 'auto', 'never' or 'always'")
    return number_of_bytes(threshold, "multipart_threshold")


def number_of_bytes(value: Any, what: str) -> int:
    """Return a number of bytes.

    :raises InvalidInput: It is none.
    """
    if (number := counts.read(value)) is None:
        raise InvalidInput(f"{what} is {value!r}: pass a number of bytes")
    return number


def in_parts(length: int, multipart: Multipart, threshold: int = LARGEST_PART) -> bool:
    """Tell whether so many bytes go up in parts.

    By default they do only where one PUT cannot carry them: other clients than this one get the manifest.

    :param threshold: ``auto`` takes parts above it.
    :raises TooLarge: They do not fit into one PUT, and parts are forbidden.
    :raises InvalidInput: ``multipart`` is something else, or the threshold is no number of bytes.
    """
    threshold = check(multipart, threshold)
    if multipart == "never" and length > LARGEST_PART:
        raise TooLarge(
            f"{length} bytes are more than one PUT can carry ({LARGEST_PART // GIB} GiB): "
            f"upload them in parts with multipart='auto'"
        )
    return multipart == "always" or (multipart == "auto" and length > min(threshold, LARGEST_PART))

"""Parsing of Range headers."""

from __future__ import annotations

import re

from .errors import invalid_range

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def requested_range(header: str | None, size: int) -> range | None:
    """Return the offsets that a Range header requests of a body of ``size`` bytes; None for the whole body.

    Anything but a single range in bytes is ignored, as S3 does. A range that begins after the end raises
    StoreError (416).
    """
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None or not any(match.groups()):
        return None
    first, last = match.groups()
    if not first:
        start, stop = max(0, size - int(last)), size
    else:
        start, stop = int(first), min(size, int(last) + 1 if last else size)
        if last and int(last) < start:
            return None
    if start >= stop:
        raise invalid_range(size)
    return range(start, stop)

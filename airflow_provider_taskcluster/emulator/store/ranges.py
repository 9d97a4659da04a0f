"""Which bytes a GET asks for."""

from __future__ import annotations

import re

from .errors import invalid_range

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def wanted(header: str | None, size: int) -> range | None:
    """The offsets a Range header asks for of a body of ``size`` bytes; None stands for the whole body.

    What is not one range in bytes (several, another unit, nonsense) is ignored, as S3 does. A range that
    begins after the end raises StoreError (416).
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

"""Filters the records of pax headers (POSIX.1-2017, pax, "pax Header Block"). Pure."""

from __future__ import annotations

import re

from airflow_provider_taskcluster.common.messages import visible

# Keywords of paths and sizes, sparse files' included. Owners, times and attributes are not extracted.
_TEXTS = {b"path", b"linkpath", b"hdrcharset", b"GNU.sparse.name"}
_NUMBERS = {b"size", *(b"GNU.sparse." + key for key in (b"size", b"realsize", b"major", b"minor", b"numblocks"))}
# Keywords that are repeated for each piece of a file.
_REPEATED = {b"GNU.sparse.offset", b"GNU.sparse.numbytes"}
_MAP = b"GNU.sparse.map"
_NUMBER = re.compile(rb"[0-9]{1,20}")
_NUMBER_LIST = re.compile(rb"[0-9]{1,20}(?:,[0-9]{1,20})*")
# Most digits in the length of a record.
_LENGTH = 20
# Bytes of a path, on nearly every system.
LONGEST_PATH = 4096


def usable_records(header: bytes) -> bytes:
    """Return the records of a header that matter here; of several with one keyword, the last.

    The standard library may take hours for long digits in the other records (before Python 3.11.10), and takes a size
    that is no number for 0 (in all versions).

    :raises ValueError: The header is broken.
    """
    kept: dict[bytes | int, bytes] = {}
    start = 0
    while start < len(header):
        length, space, _ = header[start : start + _LENGTH + 1].partition(b" ")
        end = start + int(length) if space and _NUMBER.fullmatch(length) else 0
        key, equals, value = header[start + len(length) + 1 : end - 1].partition(b"=")
        if not start < end <= len(header) or not equals or header[end - 1 : end] != b"\n":
            raise ValueError("a pax header is broken")
        if _counts(key, value):
            kept[start if key in _REPEATED else key] = header[start:end]
        start = end
    return b"".join(kept.values())


def _counts(key: bytes, value: bytes) -> bool:
    if key in _TEXTS:
        if len(value) > LONGEST_PATH:
            raise ValueError("a path in a pax header is longer than any file system takes")
    elif key in _NUMBERS | _REPEATED or key == _MAP:
        if not (_NUMBER_LIST if key == _MAP else _NUMBER).fullmatch(value):
            raise ValueError(f"{visible(key.decode())} in a pax header is no number")
    else:
        return False
    return True

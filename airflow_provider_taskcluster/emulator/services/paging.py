"""Paging of lists: at most 1,000 rows, and a continuation token."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_taskcluster.emulator.errors import InvalidRequestArguments

if TYPE_CHECKING:
    from collections.abc import Callable

Item = TypeVar("Item")

LARGEST = 1000


def page(
    fetch: Callable[[list[str], int], list[Item]],
    key: Callable[[Item], list[str]],
    *,
    start: list[str],
    token: str | None,
    limit: int | None,
) -> tuple[list[Item], str | None]:
    """Return one page, and the token of the next one, if there is one.

    ``fetch(after, count)`` returns up to ``count`` items whose key is greater than ``after``; ``start`` is a
    key below all others. A limit above 1,000 means 1,000.
    """
    size = max(1, min(limit or LARGEST, LARGEST))
    items = fetch(_decode(token, len(start)) if token else start, size + 1)
    more = len(items) > size
    items = items[:size]
    return items, _encode(key(items[-1])) if more else None


def offset_page(
    fetch: Callable[[int, int], list[Item]], *, token: str | None, limit: int | None
) -> tuple[list[Item], str | None]:
    """One page by offset, as the real queue lists groups: what is added before it moves what follows.

    ``fetch(offset, count)`` yields up to ``count`` items.
    """
    size = max(1, min(limit or LARGEST, LARGEST))
    given = _decode(token, 1)[0] if token else "0"
    offset = int(given) if given.isdecimal() else 0
    items = fetch(offset, size + 1)
    return items[:size], _encode([str(offset + size)]) if len(items) > size else None


def _encode(key: list[str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def _decode(token: str, length: int) -> list[str]:
    try:
        key = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (binascii.Error, ValueError):
        key = None
    if not isinstance(key, list) or len(key) != length or not all(isinstance(part, str) for part in key):
        raise InvalidRequestArguments("Invalid URL patterns:\ncontinuationToken is not one of ours")
    return key

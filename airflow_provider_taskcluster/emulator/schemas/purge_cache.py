"""Requests to the purge-cache service."""

from __future__ import annotations

from .fields import Request


class PurgeCache(Request):
    """Body of purgeCache."""

    cacheName: str

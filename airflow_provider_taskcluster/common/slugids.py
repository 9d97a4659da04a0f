"""Slugids, the ids of Taskcluster: 22 characters for 16 bytes of a v4 UUID. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid


def derived_slugid(key: str, *parts: str) -> str:
    """Derive a slugid from a key and the parts of an identity: the same ones give the same id.

    :param key: A secret, so that nobody else can derive the id.
    :param parts: Kind of the id and its version first, then what tells one thing from another.
    """
    return slugid(hmac.digest(key.encode(), "\n".join(parts).encode(), hashlib.sha256)[:16])


def slugid(raw: bytes) -> str:
    """Shape 16 bytes as a v4 slugid whose first character is a letter or digit ("nice")."""
    nice = bytes([raw[0] & 0x7F]) + raw[1:]
    return base64.urlsafe_b64encode(uuid.UUID(bytes=nice, version=4).bytes).decode().rstrip("=")

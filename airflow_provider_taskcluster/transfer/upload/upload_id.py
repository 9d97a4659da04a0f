"""Derives upload ids from the content, before the first call. Pure.

The service locks a name to its uploadId and expiry until the upload is finished, for up to a day. A retry that derives
the same id continues the upload of the earlier try. Other content gets another id, and so a conflict instead of a URL
by which it could overwrite a finished object.
"""

from __future__ import annotations

import base64
import calendar
import hashlib
import hmac
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


def derive_upload_id(key: str, *, root_url: str, project_id: str, name: str, expires: datetime, sha256: str) -> str:
    """Derive the uploadId of this content under this name.

    The id is a capability (whoever knows it can take over the unfinished upload), hence the key.

    :param key: A secret that all tries share.
    :param expires: Expiry of the object, in whole milliseconds as for the service.
    :param sha256: Digest of the content, in hex.
    """
    message = "\n".join(("uploadId/1", root_url, project_id, name, str(milliseconds(expires)), sha256))
    return _slugid(hmac.digest(key.encode(), message.encode(), hashlib.sha256)[:16])


def random_upload_id() -> str:
    """Return a random uploadId, which no upload has."""
    return _slugid(uuid.uuid4().bytes)


def milliseconds(instant: datetime) -> int:
    """Return the instant in whole milliseconds since 1970."""
    # not by subtraction: Airflow's datetimes give pendulum intervals, which do not divide
    return calendar.timegm(instant.utctimetuple()) * 1000 + instant.microsecond // 1000


def _slugid(raw: bytes) -> str:
    """Shape 16 bytes as a v4 slugid whose first character is a letter or digit ("nice")."""
    nice = bytes([raw[0] & 0x7F]) + raw[1:]
    return base64.urlsafe_b64encode(uuid.UUID(bytes=nice, version=4).bytes).decode().rstrip("=")

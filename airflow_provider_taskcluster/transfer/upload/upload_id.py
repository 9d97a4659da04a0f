"""Derives upload ids from the content, before the first call. Pure.

The service locks a name to its uploadId and expiry until the upload is finished, for up to a day. A retry that derives
the same id continues the upload of the earlier try. Other content gets another id, and so a conflict instead of a URL
by which it could overwrite a finished object.
"""

from __future__ import annotations

import calendar
import uuid
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common.slugids import derived_slugid, slugid

if TYPE_CHECKING:
    from datetime import datetime


def derive_upload_id(key: str, *, root_url: str, project_id: str, name: str, expires: datetime, sha256: str) -> str:
    """Derive the uploadId of this content under this name.

    The id is a capability (whoever knows it can take over the unfinished upload), hence the key.

    :param key: A secret that all tries share.
    :param expires: Expiry of the object, in whole milliseconds as for the service.
    :param sha256: Digest of the content, in hex.
    """
    return derived_slugid(key, "uploadId/1", root_url, project_id, name, str(milliseconds(expires)), sha256)


def random_upload_id() -> str:
    """Return a random uploadId, which no upload has."""
    return slugid(uuid.uuid4().bytes)


def milliseconds(instant: datetime) -> int:
    """Return the instant in whole milliseconds since 1970."""
    # not by subtraction: Airflow's datetimes give pendulum intervals, which do not divide
    return calendar.timegm(instant.utctimetuple()) * 1000 + instant.microsecond // 1000

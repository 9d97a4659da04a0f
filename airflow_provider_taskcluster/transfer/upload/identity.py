"""The identity of an upload, equal in every try: its target, and the key of its upload ids.

With a stable key (the connection's ``upload_secret``, or permanent credentials) every try derives the same ids. Without
one, the key is random, and a recorder keeps it before the first call. Without a recorder either, the log warns that a
retry will meet a conflict.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from airflow_provider_taskcluster.common.messages import one_line
from airflow_provider_taskcluster.transfer.upload import recorder
from airflow_provider_taskcluster.transfer.upload.upload_id import derive_upload_id, milliseconds

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_taskcluster.transfer.upload.recorder import Recorder, UploadRecord

log = logging.getLogger(__name__)


@dataclass
class Identity:
    """The identity of one upload.

    :param root_url: Root URL of the service.
    :param key: Key that is stable over all tries, if there is one.
    :param own_id: An uploadId that the caller chose.
    :param recorder: Keeps a random key, and the part size, for the next try.
    """

    root_url: str
    project_id: str
    name: str
    expires: datetime
    key: str | None = field(default=None, repr=False)
    own_id: str | None = field(default=None, repr=False)
    recorder: Recorder | None = None
    _records: list[UploadRecord] = field(default_factory=list, init=False, repr=False)

    def begin(self, size: int, sha256: str, part_size: int | None = None) -> None:
        """Fix the identity for this content, before the first call."""
        self._key = self.own_id or self.key or self._kept_key(size, sha256)
        if part_size:
            self._keep_part_size(size, sha256, part_size)

    def _kept_key(self, size: int, sha256: str) -> str:
        """Return the recorded key of an earlier try for this content, or record a new one.

        One key serves all expiries, since the derived ids differ by expiry; its record lives until the latest of them.
        """
        record = self._new_record(size, sha256)
        new = replace(record, key=secrets.token_urlsafe(32))
        kept = recorder.load(self.recorder, record.slot) or recorder.save_first(self.recorder, new)
        key = kept.key or cast("str", new.key)
        record = replace(record, key=key, expires=max(record.expires, kept.expires))
        if record != kept:
            recorder.save(self.recorder, record)
        self._records.append(record)
        if self.recorder is None:
            log.warning(
                "Without an upload_secret, permanent credentials or a recorder the upload id of %r is random: if this "
                "try dies, the next one meets a conflict for up to a day",
                self.name,
            )
        return key

    def _keep_part_size(self, size: int, sha256: str, part_size: int) -> None:
        """Record the part size for the next try; a failure is only logged."""
        record = self._new_record(size, sha256, part_size)
        try:
            if record != self.kept():
                recorder.save(self.recorder, record)
            self._records.append(record)
        except Exception as error:  # noqa: BLE001 (each recorder has errors of its own)
            log.warning(
                "The part size of %r is not kept, and a retry must have the same to find the parts of this try: %s",
                self.name,
                one_line(error) or type(error).__name__,
            )

    def kept(self) -> UploadRecord | None:
        """Return the recorded part size of an earlier try, maybe of other content."""
        return recorder.load(self.recorder, recorder.slot(self.root_url, self.project_id, self.name))

    def begin_unrecorded(self) -> None:
        """Fix the identity of a stream, whose content is not known before: a later try cannot resume it."""
        self._key = self.own_id or self.key or secrets.token_urlsafe(32)

    def fits(self, kept: UploadRecord, size: int, sha256: str) -> bool:
        """Tell whether a record belongs to this upload."""
        return kept.fits(self._new_record(size, sha256, kept.part_size))

    def upload_id(self, name: str, sha256: str) -> str:
        """Return the uploadId of an object or a part with this content."""
        if self.own_id and name == self.name:
            return self.own_id
        return derive_upload_id(
            self._key,
            root_url=self.root_url,
            project_id=self.project_id,
            name=name,
            expires=self.expires,
            sha256=sha256,
        )

    def end(self) -> None:
        """Delete the records: the upload is finished."""
        for record in self._records:
            recorder.forget(self.recorder, record)

    def _new_record(self, size: int, sha256: str, part_size: int | None = None) -> UploadRecord:
        return recorder.UploadRecord(
            root_url=self.root_url,
            project_id=self.project_id,
            name=self.name,
            expires=milliseconds(self.expires),
            size=size,
            sha256=sha256,
            part_size=part_size,
        )

"""The hook's way to upload all files of a folder as objects."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster import names
from airflow_provider_taskcluster.hooks.base import connection_count, place
from airflow_provider_taskcluster.hooks.objects import ObjectsHook
from airflow_provider_taskcluster.transfer.config import CONNECTIONS

if TYPE_CHECKING:
    import os
    from datetime import datetime

    from airflow_provider_taskcluster.transfer.conflict import IfExists
    from airflow_provider_taskcluster.transfer.model import TransferResult
    from airflow_provider_taskcluster.transfer.recorder import Recorder

log = logging.getLogger(__name__)


class FoldersHook(ObjectsHook):
    """Folders as objects under a prefix."""

    def upload_folder(
        self,
        folder: str | os.PathLike[str] | Any,
        prefix: str,
        *,
        expires: datetime,
        project_id: str | None = None,
        if_exists: IfExists = "verify",
        connections: int = CONNECTIONS,
        recorder: Recorder | str | None = None,
    ) -> list[TransferResult]:
        """Upload all files below a folder, each as the object ``<prefix><path in the folder>``.

        Each file is an upload of its own, with its own identity: a repeated call with the same ``expires`` sends only
        what the service does not have. Names are checked before anything is sent; after an error no further file is
        begun. Scope ``object:upload:<projectId>:<prefix>*``.

        :param folder: A path, an ``ObjectStoragePath`` or its URL. A symbolic link in it must lead to one of its
            files.
        :param prefix: Put before each name, as it is: end it with ``/``.
        :param expires: When they end. Pass the same in every try.
        :param project_id: Their project; the connection's by default.
        :param if_exists: As for ``upload_object``.
        :param connections: How many files are sent at once.
        :param recorder: Keeps the upload ids where they cannot be derived, as for ``upload_object``.
        :return: What was moved, by name.
        :raises InvalidInput: There is no such folder, nothing in it, or what is neither file nor folder.
        :raises InvalidName: A name that the service cannot carry.
        :raises Conflict: A name is taken by other content or by somebody else's upload.
        """
        from airflow_provider_taskcluster.transfer.buffers import Failure
        from airflow_provider_taskcluster.transfer.ending import EndingSource
        from airflow_provider_taskcluster.transfer.scheduler import Serial, Threads
        from airflow_provider_taskcluster.transfer.tree import sources_below

        found = sources_below(place(folder, folder=True))
        jobs = [(names.object_name(prefix + name), opened) for name, opened in found.items()]
        count = min(connection_count(connections), len(jobs))
        failure = Failure()
        self._prepare()

        def upload(job: tuple[str, Any]) -> TransferResult:
            name, opened = job
            return self.upload_object(
                EndingSource(opened(), failure),
                name,
                expires=expires,
                project_id=project_id,
                if_exists=if_exists,
                connections=1,
                recorder=recorder,
            )

        log.info("Uploading %d files of %s under %r", len(jobs), folder, prefix)
        scheduler = Threads(count) if count > 1 else Serial()
        return sorted(scheduler.run(jobs, upload, failure), key=lambda result: result.name)

"""The hook's folder operations: upload all files of a folder as objects; extract an archive to a folder."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.assets.uris import folder_uri
from airflow_provider_taskcluster.common import names
from airflow_provider_taskcluster.common.counts import whole_number
from airflow_provider_taskcluster.common.messages import visible
from airflow_provider_taskcluster.exceptions import InsufficientScopes, InvalidInput
from airflow_provider_taskcluster.hooks import lineage, reports
from airflow_provider_taskcluster.hooks.base import as_storage_path, byte_limit, future_expiry
from airflow_provider_taskcluster.hooks.objects import ObjectsHook
from airflow_provider_taskcluster.transfer.config import CONNECTIONS

if TYPE_CHECKING:
    import os
    from datetime import datetime, timedelta

    from airflow_provider_taskcluster.transfer.archive.extract import Extracted
    from airflow_provider_taskcluster.transfer.model import TransferResult
    from airflow_provider_taskcluster.transfer.upload.conflict import IfExists
    from airflow_provider_taskcluster.transfer.upload.recorder import Recorder

log = logging.getLogger(__name__)


class FoldersHook(ObjectsHook):
    """Uploads of folders, and extraction of archives."""

    def extract_archive(
        self,
        archive: str | os.PathLike[str],
        folder: str | os.PathLike[str],
        *,
        max_bytes: int | None = None,
        max_files: int | None = None,
    ) -> Extracted:
        """Extract a .zip or .tar, .tar.gz, .tar.bz2, .tar.xz or .tar.zst file into a folder.

        Nothing is written outside of the folder. Nothing at all is written if the archive is broken or an entry is
        refused: a name or link that leads out of the folder, a device, names that clash, more than 100 levels of
        folders. Existing files of the same names are replaced, once the whole archive is checked.
        Before Python 3.14, .tar.zst needs the package ``zstandard`` (extra ``[zstd]``).

        :param max_bytes: Limit of all files together, 16 GiB by default.
        :param max_files: Limit of files, links and folders together, 100,000 by default.
        :raises InvalidInput: The folder is "", or one of the two is not on this machine.
        :raises ArchiveRefused: The archive is broken, its format is not supported, or an entry is refused.
        :raises TooLarge: A limit is exceeded.
        :raises NameRefused: A link or file exists where a folder must be, or a folder where a file must be.
        """
        from airflow_provider_taskcluster.transfer.archive.extract import extract
        from airflow_provider_taskcluster.transfer.archive.extraction_limits import ExtractionLimits

        defaults = ExtractionLimits()
        bytes_limit, files_limit = byte_limit(max_bytes), byte_limit(max_files, "max_files")
        limits = ExtractionLimits(
            defaults.max_bytes if bytes_limit is None else bytes_limit,
            defaults.max_files if files_limit is None else files_limit,
        )
        archive, folder = on_this_machine(archive, "archive"), on_this_machine(_named(folder), "folder")
        extracted = extract(archive, folder, limits, self._store.check, durable=self.settings.durable)
        log.info(
            "Extracted %d files with %d bytes of %s into %s",
            extracted.files,
            extracted.size,
            visible(archive),
            visible(folder),
        )
        return extracted

    def upload_folder(
        self,
        folder: str | os.PathLike[str] | Any,
        prefix: str,
        *,
        expires: datetime | timedelta,
        project_id: str | None = None,
        if_exists: IfExists = "verify",
        connections: int = CONNECTIONS,
        recorder: Recorder | str | None = None,
    ) -> list[TransferResult]:
        """Upload all files below a folder, each as the object ``<prefix><path in the folder>``.

        Each file is an upload of its own: a repeated call with the same ``expires`` sends only the files that the
        service does not have. All names are checked before anything is sent. After an error no further file is begun.
        Scope ``object:upload:<projectId>:<prefix>*``.

        :param folder: A path, an ``ObjectStoragePath`` or its URL. A symbolic link in it must lead to one of its
            files.
        :param prefix: Prefix of the objects' names, such as ``my-team/site``. It always ends with ``/``, which is added
            if missing; for a name such as ``my-team/site-index.html`` use ``upload_object``.
        :param expires: When the objects expire; a timedelta counts from now. A later try sends only what is missing if
            both pass the same datetime.
        :param project_id: Project of the objects; the connection's by default.
        :param if_exists: As for ``upload_object``.
        :param connections: Number of files that are sent at once.
        :param recorder: Where to record upload ids that cannot be derived, as for ``upload_object``.
        :return: The results, sorted by name.
        :raises InvalidInput: The folder does not exist, is empty, or has an entry that is neither file nor folder.
        :raises InvalidName: The service does not allow one of the names.
        :raises Conflict: A name is taken by other content or by somebody else's upload.
        """
        from airflow_provider_taskcluster.transfer.source.abortable import AbortableSource
        from airflow_provider_taskcluster.transfer.source.folder import folder_sources
        from airflow_provider_taskcluster.transfer.threads.buffers import Failure
        from airflow_provider_taskcluster.transfer.threads.pool import run_jobs

        started = time.monotonic()
        prefix = names.folder_prefix(prefix)
        sources = folder_sources(as_storage_path(_named(folder), folder=True))
        jobs = [(names.object_name(prefix + name), open_source) for name, open_source in sources.items()]
        count = min(whole_number(connections, "connections", least=1), len(jobs))
        expiry = future_expiry(expires)
        failure = Failure()
        self._prepare()

        def upload(job: tuple[str, Any]) -> TransferResult:
            name, open_source = job
            identity = self._identity(name, project_id, expiry, None, recorder)
            try:
                return self._upload(AbortableSource(open_source(), failure), identity, None, if_exists)
            except InsufficientScopes as error:
                scope = f"object:upload:{identity.project_id}:{prefix}*"
                error.args = (visible(f"{error}; {scope} is enough for all files of the folder"),)
                raise

        log.info("Uploading %d files of %s under %r", len(jobs), visible(folder), prefix)
        results = sorted(run_jobs(jobs, upload, failure, count), key=lambda result: result.name)
        if uri := folder_uri(prefix):
            lineage.report_output(self, uri, lineage.folder_extra(prefix, results))
        reports.uploaded_folder(folder, prefix, self.settings.root_url, results, time.monotonic() - started)
        return results


def on_this_machine(where: Any, what: str) -> Any:
    """Return a path or ``file://`` URL as a local path.

    :param what: Name of the argument, for the error.
    :raises InvalidInput: It is in a remote storage.
    """
    from airflow_provider_taskcluster.transfer.storage_paths import check_local, storage_file

    check_local(where, what)
    return storage_file(as_storage_path(where, folder=True)).path if "://" in str(where) else where


def _named(folder: Any) -> Any:
    """Refuse "", which would be the current directory of the worker."""
    if folder == "":
        raise InvalidInput("folder is '': name one")
    return folder

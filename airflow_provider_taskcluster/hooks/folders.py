"""The hook's way with folders: upload all files of one as objects, and extract an archive into one."""

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
from airflow_provider_taskcluster.hooks.base import byte_limit, future, place
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
    """Folders as objects under a prefix, and archives as folders."""

    def extract_archive(
        self,
        archive: str | os.PathLike[str],
        folder: str | os.PathLike[str],
        *,
        max_bytes: int | None = None,
        max_files: int | None = None,
    ) -> Extracted:
        """Extract a .zip or .tar, .tar.gz, .tar.bz2, .tar.xz or .tar.zst file into a folder.

        Nothing is written outside of the folder, and nothing of an archive that is broken or holds what must not be
        written: names that lead elsewhere, links that lead out, devices, names that clash, what is more than 100
        folders deep. Files of the same names that are there are replaced, when all of the archive is known to be good.
        Before Python 3.14, .tar.zst takes the package ``zstandard`` (extra ``[zstd]``).

        :param max_bytes: Of all files together, 16 GiB by default.
        :param max_files: Files, links and folders, 100,000 by default.
        :raises InvalidInput: The folder is "", or one of the two is not of this machine.
        :raises ArchiveRefused: It is broken, of a format that is not supported, or holds what must not be written.
        :raises TooLarge: It holds more than is allowed.
        :raises NameRefused: A link, or a file, is there in the place of a folder, or a folder in that of a file.
        """
        from airflow_provider_taskcluster.transfer.archive.extract import ExtractionLimits, extract

        usual = ExtractionLimits()
        bytes_limit, files_limit = byte_limit(max_bytes), byte_limit(max_files, "max_files")
        limits = ExtractionLimits(
            usual.max_bytes if bytes_limit is None else bytes_limit,
            usual.max_files if files_limit is None else files_limit,
        )
        archive, folder = on_this_machine(archive, "archive"), on_this_machine(_named(folder), "folder")
        found = extract(archive, folder, limits, self._store.check, durable=self.settings.durable)
        log.info(
            "Extracted %d files with %d bytes of %s into %s", found.files, found.size, visible(archive), visible(folder)
        )
        return found

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

        Each file is an upload of its own, with its own identity: a repeated call with the same ``expires`` sends only
        what the service does not have. Names are checked before anything is sent; after an error no further file is
        begun. Scope ``object:upload:<projectId>:<prefix>*``.

        :param folder: A path, an ``ObjectStoragePath`` or its URL. A symbolic link in it must lead to one of its
            files.
        :param prefix: Folder of names that they get, such as ``my-team/site``; the ``/`` at its end may be left out.
            Names that begin otherwise (``my-team/site-index.html``) are those of uploads of single files.
        :param expires: When they end; a timedelta counts from now. A later try sends only what is missing if both pass
            the same datetime.
        :param project_id: Their project; the connection's by default.
        :param if_exists: As for ``upload_object``.
        :param connections: How many files are sent at once.
        :param recorder: Keeps the upload ids where they cannot be derived, as for ``upload_object``.
        :return: What was moved, by name.
        :raises InvalidInput: There is no such folder, nothing in it, or what is neither file nor folder.
        :raises InvalidName: A name that the service cannot carry.
        :raises Conflict: A name is taken by other content or by somebody else's upload.
        """
        from airflow_provider_taskcluster.transfer.source.abortable import AbortableSource
        from airflow_provider_taskcluster.transfer.source.folder import folder_sources
        from airflow_provider_taskcluster.transfer.threads.buffers import Failure
        from airflow_provider_taskcluster.transfer.threads.pool import Serial, Threads

        started = time.monotonic()
        prefix = names.folder_prefix(prefix)
        found = folder_sources(place(_named(folder), folder=True))
        jobs = [(names.object_name(prefix + name), opened) for name, opened in found.items()]
        count = min(whole_number(connections, "connections", least=1), len(jobs))
        end = future(expires)
        failure = Failure()
        self._prepare()

        def upload(job: tuple[str, Any]) -> TransferResult:
            name, opened = job
            identity = self._identity(name, project_id, end, None, recorder)
            try:
                return self._upload(AbortableSource(opened(), failure), identity, None, if_exists)
            except InsufficientScopes as error:
                scope = f"object:upload:{identity.project_id}:{prefix}*"
                error.args = (visible(f"{error}; {scope} is enough for all files of the folder"),)
                raise

        log.info("Uploading %d files of %s under %r", len(jobs), visible(folder), prefix)
        scheduler = Threads(count) if count > 1 else Serial()
        results = sorted(scheduler.run(jobs, upload, failure), key=lambda result: result.name)
        if uri := folder_uri(prefix):
            lineage.made(self, uri, lineage.facts_of_folder(prefix, results))
        reports.uploaded_folder(folder, prefix, self.settings.root_url, results, time.monotonic() - started)
        return results


def on_this_machine(where: Any, what: str) -> Any:
    """Return a path; a ``file://`` URL is one.

    :param what: Its name, for the error.
    :raises InvalidInput: It is a file or a folder of a storage.
    """
    from airflow_provider_taskcluster.transfer.storage_paths import check_local, storage_file

    check_local(where, what)
    return storage_file(place(where, folder=True)).path if "://" in str(where) else where


def _named(folder: Any) -> Any:
    """Return a folder, unless it is "", which would be wherever the worker runs."""
    if folder == "":
        raise InvalidInput("folder is '': name one")
    return folder

"""The hook's downloads of task artifacts. A ``run_id`` of None is the latest run."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, get_args

from airflow_provider_taskcluster.assets.uris import artifact_uri
from airflow_provider_taskcluster.common import names
from airflow_provider_taskcluster.common.counts import whole_number
from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.hooks import lineage, reports
from airflow_provider_taskcluster.hooks.base import TaskclusterBaseHook, as_storage_path, byte_limit
from airflow_provider_taskcluster.transfer.config import CONNECTIONS, MEMORY_CAP, TransferConfig
from airflow_provider_taskcluster.transfer.download.references import allowed_hosts
from airflow_provider_taskcluster.transfer.model import Verification
from airflow_provider_taskcluster.transfer.sink.base import MemorySink
from airflow_provider_taskcluster.transfer.sink.factory import sink_for

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from airflow_provider_taskcluster.transfer.download.artifact import ArtifactDownloader
    from airflow_provider_taskcluster.transfer.download.references import AllowReference
    from airflow_provider_taskcluster.transfer.download.stored_file import StoredFile
    from airflow_provider_taskcluster.transfer.download.tally import Tally
    from airflow_provider_taskcluster.transfer.model import TransferResult
    from airflow_provider_taskcluster.transfer.payload.model import PayloadResult
    from airflow_provider_taskcluster.transfer.payload.payload import Payload
    from airflow_provider_taskcluster.transfer.progress import Progress
    from airflow_provider_taskcluster.transfer.sink.factory import Destination


class ArtifactsHook(TaskclusterBaseHook):
    """Downloads of task artifacts, and their lengths and dates in the store."""

    def stored_artifact_length(self, task_id: str, name: str, run_id: int | None = None) -> int | None:
        """Return the length of an artifact, by a request for one byte of it. Scope ``queue:get-artifact:<name>``.

        The queue lists an s3 artifact before the store has its bytes.

        :return: Length in bytes; None if the artifact is stored encoded, which hides its length.
        :raises NotStoredYet: The store does not have the artifact yet.
        """
        return self._artifacts().stored_length(names.task_id(task_id), names.artifact_name(name), run_id)

    def artifact_modified(
        self, task_id: str, name: str, run_id: int | None = None, *, allow_reference: AllowReference = False
    ) -> datetime | None:
        """Return when an artifact was stored; None if the store does not tell.

        The queue itself has no such date. Scope ``queue:get-artifact:<name>``.
        """
        downloader = self._artifacts(allow_reference=allow_reference, require_hashes=False)
        return downloader.modified(names.task_id(task_id), names.artifact_name(name), run_id)

    def download_artifact(
        self,
        task_id: str,
        name: str,
        destination: Destination,
        run_id: int | None = None,
        *,
        verify: Verification = "hashes",
        allow_reference: AllowReference = False,
        connections: int = CONNECTIONS,
        max_bytes: int | None = None,
        require_hashes: bool = True,
        digests: Sequence[str] = (),
        on_progress: Callable[[Progress], None] | None = None,
    ) -> TransferResult:
        """Download an artifact of any storage type. Scope ``queue:get-artifact:<name>``.

        Artifacts on the object service are verified by their hashes. Others have none: they are checked by length and
        gzip trailer, and the result says ``verified: length``.

        :param destination: A path (a temporary file beside it is renamed to it once verified), an ``ObjectStoragePath``
            or its URL (in a bucket, the object appears once verified), an open binary file, a function that returns
            a writer, or ``MemorySink()``.
        :param verify: ``hashes`` that the service has; or ``chain_of_trust``: artifacts without any are verified by the
            hashes that the run publishes in ``public/chain-of-trust.json``.
        :param allow_reference: Whether to follow a URL that the task chose: True, False, or a list of hosts
            (``example.com``, ``*.example.com``), which limits redirects, too.
        :param connections: Number of parallel connections for a large artifact that is written to a path.
        :param max_bytes: Refuse an artifact that is larger (default: no limit; 4 GiB for references).
        :param require_hashes: Refuse an object without a sha256 or sha512.
        :param digests: Algorithms, such as ``sha256``, to compute even if there is no expected value.
        :param on_progress: Called every few seconds, in a thread that moves bytes.
        :raises NotFound: The task, run or artifact does not exist, or not yet.
        :raises ArtifactError: It is an error artifact.
        :raises ReferenceRefused: It is a URL that the task chose, and ``allow_reference`` does not allow it.
        """
        names.task_id(task_id)
        names.artifact_name(name)
        downloader = self._artifacts(
            verify=verify,
            allow_reference=allow_reference,
            connections=whole_number(connections, "connections", least=1),
            max_bytes=byte_limit(max_bytes),
            require_hashes=require_hashes,
            digests=tuple(digests),
            on_progress=on_progress,
        )
        sink = sink_for(as_storage_path(destination), durable=self.settings.durable)
        result = downloader.download(task_id, name, run_id, sink)
        lineage.report_input(self, artifact_uri(task_id, name, run_id), lineage.asset_extra(result))
        reports.downloaded(_label(task_id, name, run_id), self.settings.root_url, destination, result)
        return result

    def open_payload(
        self,
        task_id: str,
        run_id: int | None = None,
        prefix: str = "",
        *,
        verify: Verification = "hashes",
        allow_reference: AllowReference = False,
        max_bytes: int | None = None,
        require_hashes: bool = True,
    ) -> Payload:
        """Return the artifacts of a run as one payload: list, resolve names, stream, download to a folder.

        No request is made yet. Scopes ``queue:list-artifacts:<taskId>[:<runId>]`` and ``queue:get-artifact:<name>``;
        for the latest run also ``queue:status:<taskId>``, so that all files come from one run, and a later download
        skips the files that exist.

        :param prefix: Take only artifacts below this prefix, such as ``public/build``; names in the payload are
            relative to it.
        :param verify: As for ``download_artifact``.
        :param allow_reference: As for ``download_artifact``.
        :param max_bytes: Refuse a file that is larger (default: no limit; 4 GiB for references).
        :param require_hashes: Refuse an object without a sha256 or sha512.
        """
        from airflow_provider_taskcluster.transfer.payload.payload import Payload

        if not isinstance(prefix, str):
            raise InvalidInput(f"prefix is {prefix!r}: pass a text, such as 'public/build'")
        artifacts = self._artifacts(
            verify=verify,
            allow_reference=allow_reference,
            max_bytes=byte_limit(max_bytes),
            require_hashes=require_hashes,
            durable=self.settings.durable,
        )
        task_id = names.task_id(task_id)
        uri = artifact_uri(task_id, prefix.strip("/"), run_id)

        def on_read(extra: dict[str, Any], result: PayloadResult | None = None) -> None:
            lineage.report_input(self, uri, extra)
            if result is not None:
                reports.downloaded_payload(self.settings.root_url, result)

        def on_streamed(files: int, tally: Tally, verified: Sequence[str]) -> None:
            reports.streamed_payload(payload, self.settings.root_url, files, tally, verified)

        payload = Payload(
            task_id,
            run_id,
            prefix,
            artifacts,
            on_read=on_read,
            on_streamed=on_streamed,
            located=partial(as_storage_path, folder=True),
        )
        return payload

    def read_artifact(
        self,
        task_id: str,
        name: str,
        run_id: int | None = None,
        *,
        allow_reference: AllowReference = False,
        max_bytes: int | None = MEMORY_CAP,
    ) -> bytes:
        """Return the bytes of an artifact.

        :param max_bytes: Refuse an artifact that is larger (default: 64 MiB); None for no limit.
        """
        sink = MemorySink(byte_limit(max_bytes))
        self.download_artifact(task_id, name, sink, run_id, allow_reference=allow_reference)
        return sink.content()

    def open_artifact(
        self,
        task_id: str,
        name: str,
        run_id: int | None = None,
        *,
        allow_reference: AllowReference = False,
        require_hashes: bool = True,
    ) -> StoredFile:
        """Open an artifact for reading, as a binary file. Scope ``queue:get-artifact:<name>``.

        The file is seekable, and read by Range requests. An artifact that is stored gzip-encoded is first downloaded
        whole to a temporary file, and decoded.

        :raises: As ``download_artifact``.
        """
        from airflow_provider_taskcluster.transfer.download.stored_file import StoredFile

        downloader = self._artifacts(allow_reference=allow_reference, require_hashes=require_hashes)
        names.task_id(task_id)
        names.artifact_name(name)
        on_close = reports.read_reporter(_label(task_id, name, run_id), self.settings.root_url)
        opened = StoredFile(name, lambda: downloader.open(task_id, name, run_id), on_close)
        lineage.report_input(self, artifact_uri(task_id, name, run_id))
        return opened

    def _artifacts(
        self, *, verify: Verification = "hashes", allow_reference: AllowReference = False, **options: Any
    ) -> ArtifactDownloader:
        """Return a downloader with options of ``TransferConfig``."""
        from airflow_provider_taskcluster.transfer.download.artifact import ArtifactDownloader

        if verify not in get_args(Verification):
            raise InvalidInput(f"verify is {verify!r}: pass 'hashes' or 'chain_of_trust'")
        config = TransferConfig(
            network=self.settings.network,
            allow_reference=allowed_hosts(allow_reference),
            chain_of_trust=verify == "chain_of_trust",
            **options,
        )
        return ArtifactDownloader(self._engine_services, self._store, config)


def _label(task_id: str, name: str, run_id: int | None) -> str:
    run = "latest run" if run_id is None else f"run {run_id}"
    return f"artifact {name!r} of task {task_id} ({run})"

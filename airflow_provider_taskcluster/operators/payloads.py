"""Operator that downloads many artifacts of a task to a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow.providers.common.compat.sdk import AirflowSkipException

from airflow_provider_taskcluster.common.arguments import (
    flag,
    optional_text,
    path_or_url,
    pattern_list,
    run_number,
    text,
)
from airflow_provider_taskcluster.common.checks import at_least, count, one_of
from airflow_provider_taskcluster.common.messages import visible
from airflow_provider_taskcluster.common.task_failure import permanent_errors_fail
from airflow_provider_taskcluster.links.taskcluster import TaskclusterTaskLink
from airflow_provider_taskcluster.operators.base import ExtractingOperator, check_extraction
from airflow_provider_taskcluster.transfer.archive.extraction_limits import ExtractionLimits
from airflow_provider_taskcluster.transfer.config import CONNECTIONS, FILES
from airflow_provider_taskcluster.transfer.download.references import check_allow_reference
from airflow_provider_taskcluster.transfer.model import Verification
from airflow_provider_taskcluster.transfer.payload.model import IfExists, OnError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.providers.common.compat.sdk import Context, ObjectStoragePath

    from airflow_provider_taskcluster.transfer.archive.extract import Extracted
    from airflow_provider_taskcluster.transfer.download.references import AllowReference
    from airflow_provider_taskcluster.transfer.payload.model import ExtractedArchives, PayloadResult, PayloadSummary

IfNone = Literal["fail", "skip", "succeed"]


class TaskclusterDownloadPayloadOperator(ExtractingOperator):
    """Download the artifacts of a Taskcluster task that match patterns to a folder, several at once.

    Below the folder files have their artifacts' names, relative to ``prefix``. Each appears under its name only once it
    is complete and verified, and a second run, also after a kill, fetches only what is missing. A manifest is written
    beside them, ``taskcluster-payload.json``: name, path, size, digests and verification of each file. Scopes
    ``queue:list-artifacts:<taskId>[:<runId>]``, ``queue:get-artifact:<name>``, and ``queue:status:<taskId>`` for the
    latest run.

    :param taskcluster_task_id: Id of the Taskcluster task (templated); ``task_id`` is Airflow's.
    :param destination: Folder (templated): a path, or the URL of an ``ObjectStoragePath`` such as
        ``s3://conn_id@bucket/folder``, to which files are streamed. A folder holds one payload.
    :param include: A name or pattern, or a list of them (templated); all artifacts by default, none if the list is
        empty: then ``if_none`` decides. ``*`` does not match ``/``, ``**`` does; a pattern without ``/`` matches in all
        folders. A name matches also if upper and lower case differ, unless that is ambiguous.
    :param exclude: Patterns of files to leave out (templated); none by default.
    :param prefix: Take only artifacts below this prefix (templated), such as ``public/build``.
    :param run_id: Number of the run (templated); None is the latest.
    :param files: Number of files that are fetched at once.
    :param connections: Number of connections that they share.
    :param extract_to: Local folder (templated) to extract each downloaded .zip and .tar.* file into, in a folder of its
        name; the destination must be local, too.
    :param if_none: What to do if no artifact is selected: ``fail``, ``skip`` the task, or ``succeed``.
    :param if_exists: ``verify`` fetches an existing file only if its size or digest differs or is not known;
        ``overwrite`` fetches all; ``fail`` fails if one exists.
    :param on_error: ``fail`` at the first file that cannot be fetched, also for an error artifact; ``continue`` leaves
        it out, and reports it.
    :param allow_reference: Whether to follow URLs that the task chose. True allows any host that the worker can reach;
        a list of hosts (``example.com``, ``*.example.com``) limits the URLs and their redirects to these.
    :param verify: ``hashes`` of the service, or ``chain_of_trust``: artifacts without any are verified by the hashes
        that the run publishes in ``public/chain-of-trust.json``.
    :param max_bytes: Refuse a file that is larger (default: no limit; 4 GiB for references).
    :param require_hashes: Refuse an object for which the service has no sha256 or sha512.
    :return: task_id, run_id, prefix, folder, manifest (its path), count, size, transferred, already_present, links,
        failed, the first of the files and errors, and seconds; with ``extract_to`` also extracted: folder, archives,
        files and size.
    """

    template_fields: Sequence[str] = (
        "taskcluster_task_id",
        "destination",
        "extract_to",
        "include",
        "exclude",
        "prefix",
        "run_id",
        "taskcluster_conn_id",
    )
    ui_color = "#dcf7e3"
    operator_extra_links = (TaskclusterTaskLink(),)
    checks: ClassVar = {
        "run_id": run_number,
        "files": at_least(1),
        "connections": at_least(1),
        "if_none": one_of(IfNone),
        "if_exists": one_of(IfExists),
        "on_error": one_of(OnError),
        "allow_reference": check_allow_reference,
        "verify": one_of(Verification),
        "max_bytes": count,
        "require_hashes": flag,
    }

    def __init__(
        self,
        *,
        taskcluster_task_id: str,
        destination: str | ObjectStoragePath,
        extract_to: str | None = None,
        include: str | Sequence[str] | None = None,
        exclude: str | Sequence[str] | None = None,
        prefix: str = "",
        run_id: int | str | None = None,
        files: int = FILES,
        connections: int = CONNECTIONS,
        if_none: IfNone = "fail",
        if_exists: IfExists = "verify",
        on_error: OnError = "fail",
        allow_reference: AllowReference = False,
        verify: Verification = "hashes",
        max_bytes: int | None = None,
        require_hashes: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.taskcluster_task_id = taskcluster_task_id
        self.destination = destination
        self.extract_to = extract_to
        self.include = include
        self.exclude = exclude
        self.prefix = prefix
        self.run_id = run_id
        self.files = files
        self.connections = connections
        self.if_none = if_none
        self.if_exists = if_exists
        self.on_error = on_error
        self.allow_reference = allow_reference
        self.verify = verify
        self.max_bytes = max_bytes
        self.require_hashes = require_hashes
        self.check_arguments()

    def execute(self, context: Context) -> PayloadSummary:  # noqa: ARG002 (Airflow's signature)
        """Download, and return a summary."""
        doing = f"Download of the payload of task {self.taskcluster_task_id}"
        with permanent_errors_fail(doing, self.taskcluster_conn_id):
            self.check_rendered()
            folder = check_extraction(self.destination, self.extract_to)
            payload = self.hook.open_payload(
                text(self.taskcluster_task_id, "taskcluster_task_id"),
                run_number(self.run_id),
                optional_text(self.prefix, "prefix") or "",
                verify=self.verify,
                allow_reference=self.allow_reference,
                max_bytes=self.max_bytes,
                require_hashes=self.require_hashes,
            )
            include, exclude = pattern_list(self.include, "include"), pattern_list(self.exclude, "exclude")
            if self.if_none == "skip" and not payload.select(include, exclude):
                raise AirflowSkipException(f"Task {visible(payload.task_id)} has no artifact that is selected")
            if folder is not None:
                from airflow_provider_taskcluster.transfer.archive.formats import check_supported

                for file in payload.select(include, exclude):
                    check_supported(file.name)
            result = payload.download(
                path_or_url(self.destination, "destination"),
                include=include,
                exclude=exclude,
                files=self.files,
                connections=self.connections,
                if_none="succeed" if self.if_none == "skip" else self.if_none,
                if_exists=self.if_exists,
                on_error=self.on_error,
            )
            summary = result.as_dict()
            if folder is not None:
                summary["extracted"] = self._extracted(result, folder)
        return summary

    def _extracted(self, result: PayloadResult, folder: str) -> ExtractedArchives:
        """Extract all archives; the limits of one archive apply to their sum."""
        from airflow_provider_taskcluster.transfer.archive.reader import is_archive

        extracted: list[Extracted] = []
        archives = [file for file in result.files if is_archive(file.name)]
        limits = ExtractionLimits()
        for file in archives:
            extracted.append(
                self.hook.extract_archive(
                    file.path,
                    f"{folder}/{file.name}",
                    max_bytes=limits.max_bytes - sum(one.size for one in extracted),
                    max_files=limits.max_files - sum(one.files for one in extracted),
                )
            )
        files, size = sum(one.files for one in extracted), sum(one.size for one in extracted)
        return {"folder": folder, "archives": len(archives), "files": files, "size": size}

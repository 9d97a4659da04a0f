"""Operator that downloads task artifacts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_taskcluster.common.arguments import flag, path_or_url, run_number, text
from airflow_provider_taskcluster.common.checks import at_least, count, one_of
from airflow_provider_taskcluster.common.task_failure import permanent_errors_fail
from airflow_provider_taskcluster.links.taskcluster import TaskclusterArtifactLink, TaskclusterTaskLink
from airflow_provider_taskcluster.operators.base import ExtractingOperator, check_extraction, with_extracted
from airflow_provider_taskcluster.transfer.config import CONNECTIONS
from airflow_provider_taskcluster.transfer.download.references import check_allow_reference
from airflow_provider_taskcluster.transfer.hashing.digests import known_algorithms
from airflow_provider_taskcluster.transfer.model import Verification

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.providers.common.compat.sdk import Context, ObjectStoragePath

    from airflow_provider_taskcluster.transfer.download.references import AllowReference
    from airflow_provider_taskcluster.transfer.model import Transferred


class TaskclusterDownloadArtifactOperator(ExtractingOperator):
    """Download an artifact of a Taskcluster task, of any storage type, to a file.

    The file appears under its name only once it is complete and verified: by hashes for artifacts on the object
    service, by length and gzip trailer for others. Scope ``queue:get-artifact:<name>``.

    :param taskcluster_task_id: Id of the Taskcluster task (templated); ``task_id`` is Airflow's.
    :param name: Name of the artifact, such as ``public/build/target.zip`` (templated).
    :param destination: File to write (templated): a path, or the URL of an ``ObjectStoragePath`` such as
        ``s3://conn_id@bucket/key``; missing folders are created.
    :param extract_to: Local folder to extract the downloaded .zip or .tar.* file into (templated).
    :param run_id: Number of the run (templated); None is the latest.
    :param allow_reference: Whether to follow a URL that the task chose. True allows any host that the worker can
        reach; a list of hosts (``example.com``, ``*.example.com``) limits the URL and its redirects to these.
    :param verify: ``hashes`` of the service, or ``chain_of_trust``: artifacts without any are verified by the hashes
        that the run publishes in ``public/chain-of-trust.json``.
    :param connections: Number of parallel connections for a large artifact.
    :param max_bytes: Refuse an artifact that is larger (default: no limit; 4 GiB for references).
    :param require_hashes: Refuse an object for which the service has no sha256 or sha512.
    :param digests: Algorithms, such as ``sha256``, to compute even if there is no expected value.
    :return: name, size, content_type, digests, method, verified, attempts, seconds and destination; with
        ``extract_to`` also extracted: folder, files and size.
    """

    template_fields: Sequence[str] = (
        "taskcluster_task_id",
        "name",
        "destination",
        "extract_to",
        "run_id",
        "taskcluster_conn_id",
    )
    ui_color = "#dcf7e3"
    operator_extra_links = (TaskclusterArtifactLink(), TaskclusterTaskLink())
    checks: ClassVar = {
        "run_id": run_number,
        "allow_reference": check_allow_reference,
        "verify": one_of(Verification),
        "connections": at_least(1),
        "max_bytes": count,
        "require_hashes": flag,
        "digests": known_algorithms,
    }

    def __init__(
        self,
        *,
        taskcluster_task_id: str,
        name: str,
        destination: str | ObjectStoragePath,
        extract_to: str | None = None,
        run_id: int | str | None = None,
        allow_reference: AllowReference = False,
        verify: Verification = "hashes",
        connections: int = CONNECTIONS,
        max_bytes: int | None = None,
        require_hashes: bool = True,
        digests: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.taskcluster_task_id = taskcluster_task_id
        self.name = name
        self.destination = destination
        self.extract_to = extract_to
        self.run_id = run_id
        self.allow_reference = allow_reference
        self.verify = verify
        self.connections = connections
        self.max_bytes = max_bytes
        self.require_hashes = require_hashes
        self.digests = digests
        self.check_arguments()

    def execute(self, context: Context) -> Transferred:  # noqa: ARG002 (Airflow's signature)
        """Download, and return the result."""
        doing = f"Download of artifact {self.name!r} of task {self.taskcluster_task_id}"
        with permanent_errors_fail(doing, self.taskcluster_conn_id):
            self.check_rendered()
            folder = check_extraction(self.destination, self.extract_to, self.name)
            result = self.hook.download_artifact(
                text(self.taskcluster_task_id, "taskcluster_task_id"),
                text(self.name, "name"),
                path_or_url(self.destination, "destination"),
                run_number(self.run_id),
                allow_reference=self.allow_reference,
                verify=self.verify,
                connections=self.connections,
                max_bytes=self.max_bytes,
                require_hashes=self.require_hashes,
                digests=self.digests,
            )
            return with_extracted(result.as_dict(), folder, self.hook)

"""The log line at the end of each transfer: name, source, destination, size, speed and verification."""

from __future__ import annotations

import logging
import os
from collections import Counter
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.common.messages import one_line, visible
from airflow_provider_taskcluster.transfer.progress import MB
from airflow_provider_taskcluster.transfer.sink.base import MemorySink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from airflow_provider_taskcluster.transfer.download.tally import Tally
    from airflow_provider_taskcluster.transfer.model import TransferResult
    from airflow_provider_taskcluster.transfer.payload.model import PayloadResult
    from airflow_provider_taskcluster.transfer.payload.payload import Payload

log = logging.getLogger(__name__)


def downloaded(what: str, root_url: str, destination: object, result: TransferResult) -> None:
    """Log a finished download.

    :param what: The object or artifact, such as ``object 'a'``.
    :param destination: The caller's argument.
    """
    where = repr(result.destination) if result.destination else _endpoint(destination)
    figures = f"{result.size} bytes, there already" if result.already_present else _figures(result.size, result.seconds)
    _log(f"Downloaded {what} from {root_url} to {where}: {figures}, {_verified(result.verified)}")


def uploaded(source: object, what: str, root_url: str, result: TransferResult) -> None:
    """Log a finished upload.

    :param source: The caller's argument.
    :param what: The object or artifact, such as ``object 'a'``.
    """
    figures = f"{result.size} bytes, there already" if result.already_present else _figures(result.size, result.seconds)
    _log(f"Uploaded {_endpoint(source)} to {what} at {root_url}: {figures}, {_verified(result.verified)}")


def uploaded_folder(
    folder: object, prefix: str, root_url: str, results: Sequence[TransferResult], seconds: float
) -> None:
    """Log a finished upload of a folder."""
    present, verified = sum(result.already_present for result in results), _verified_by(one.verified for one in results)
    size = sum(result.size for result in results if not result.already_present)
    _log(
        f"Uploaded folder {_endpoint(folder)} to objects under {prefix!r} at {root_url}: {len(results)} files, "
        f"{present} of them there already; {_figures(size, seconds)}, {verified}"
    )


def downloaded_payload(root_url: str, result: PayloadResult) -> None:
    """Log a finished download of a payload."""
    fetched = [file for file in result.files if file.name in result.transferred]
    _log(
        f"Downloaded payload of task {result.task_id}, {_run(result.run_id)}, from {root_url} to {result.folder!r}: "
        f"{len(result.files)} files, {len(fetched)} of them fetched now, {len(result.failed)} failed; "
        f"{_figures(sum(file.size for file in fetched), result.seconds)}, "
        f"{_verified_by(file.verified for file in result.files)}; see {result.manifest!r}"
    )


def read_reporter(what: str, root_url: str) -> Callable[[Tally, int, str], None]:
    """Return a function that logs the reads of an opened file when it is closed.

    :param what: The object or artifact, such as ``object 'a'``.
    """

    def on_close(tally: Tally, size: int, verified: str) -> None:
        early = f" of {size}, closed before all was read" if tally.size < size else ""
        _log(f"Read {what} from {root_url}: {_figures(tally.size, tally.seconds)}{early}, {_verified(verified)}")

    return on_close


def streamed_payload(payload: Payload, root_url: str, files: int, tally: Tally, verified: Sequence[str]) -> None:
    """Log a stream of files of a payload.

    :param files: Number of files in the stream.
    :param verified: How each file that was read to its end was verified.
    """
    early = f" of {files} files, closed before all was read" if len(verified) < files else " files"
    _log(
        f"Read payload of task {payload.task_id}, {_run(payload.run_id)}, from {root_url}: {len(verified)}{early}; "
        f"{_figures(tally.size, tally.seconds)}, {_verified_by(verified)}"
    )


def _run(run_id: int | None) -> str:
    return "latest run" if run_id is None else f"run {run_id}"


def _log(line: str) -> None:
    log.info("%s", visible(line))


def _figures(size: int, seconds: float) -> str:
    rate = size / MB / seconds if seconds else 0.0
    return f"{size} bytes in {seconds:.1f} s ({rate:.1f} MB/s)"


def _verified(by: str) -> str:
    return "not verified" if by == "none" else f"verified by {by}"


def _verified_by(verified: Iterable[str]) -> str:
    """Return how several files were verified, with the number of files for each way if there are several."""
    counts = Counter(verified)
    if len(counts) == 1:
        return _verified(*counts)
    return ", ".join(f"{count} {_verified(by)}" for by, count in counts.most_common()) or "nothing to verify"


def _endpoint(where: Any) -> str:
    """Return the text for a source or destination."""
    if isinstance(where, bytes | bytearray | memoryview | MemorySink):
        return "memory"
    if isinstance(where, str | os.PathLike) or hasattr(type(where), "fs"):
        return repr(one_line(where))
    return "a function" if callable(where) else "an open file"

"""The log line that ends each transfer: what, from where, to where, how much, how fast, verified by what."""

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
    """Tell of a download that has ended.

    :param what: The object or artifact, in words.
    :param destination: What the caller gave.
    """
    where = repr(result.destination) if result.destination else _described(destination)
    figures = f"{result.size} bytes, there already" if result.already_present else _figures(result.size, result.seconds)
    _tell(f"Downloaded {what} from {root_url} to {where}: {figures}, {_verified(result.verified)}")


def uploaded(source: object, what: str, root_url: str, result: TransferResult) -> None:
    """Tell of an upload that has ended.

    :param source: What the caller gave.
    :param what: The object or artifact, in words.
    """
    figures = f"{result.size} bytes, there already" if result.already_present else _figures(result.size, result.seconds)
    _tell(f"Uploaded {_described(source)} to {what} at {root_url}: {figures}, {_verified(result.verified)}")


def uploaded_folder(
    folder: object, prefix: str, root_url: str, results: Sequence[TransferResult], seconds: float
) -> None:
    """Tell of a folder that was uploaded."""
    there, verified = sum(result.already_present for result in results), _of_several(one.verified for one in results)
    size = sum(result.size for result in results if not result.already_present)
    _tell(
        f"Uploaded folder {_described(folder)} to objects under {prefix!r} at {root_url}: {len(results)} files, "
        f"{there} of them there already; {_figures(size, seconds)}, {verified}"
    )


def downloaded_payload(root_url: str, result: PayloadResult) -> None:
    """Tell of a payload that was downloaded."""
    fetched = [file for file in result.files if file.name in result.transferred]
    _tell(
        f"Downloaded payload of task {result.task_id}, {_run(result.run_id)}, from {root_url} to {result.folder!r}: "
        f"{len(result.files)} files, {len(fetched)} of them fetched now, {len(result.failed)} failed; "
        f"{_figures(sum(file.size for file in fetched), result.seconds)}, "
        f"{_of_several(file.verified for file in result.files)}; see {result.manifest!r}"
    )


def reader(what: str, root_url: str) -> Callable[[Tally, int, str], None]:
    """Return what tells of an opened file that was closed.

    :param what: The object or artifact, in words.
    """

    def read(tally: Tally, size: int, verified: str) -> None:
        early = f" of {size}, closed before all was read" if tally.size < size else ""
        _tell(f"Read {what} from {root_url}: {_figures(tally.size, tally.seconds)}{early}, {_verified(verified)}")

    return read


def streamed_payload(payload: Payload, root_url: str, files: int, tally: Tally, verified: Sequence[str]) -> None:
    """Tell of files of a payload that were streamed.

    :param files: How many the stream has.
    :param verified: By what each was verified that was read to its end.
    """
    early = f" of {files} files, closed before all was read" if len(verified) < files else " files"
    _tell(
        f"Read payload of task {payload.task_id}, {_run(payload.run_id)}, from {root_url}: {len(verified)}{early}; "
        f"{_figures(tally.size, tally.seconds)}, {_of_several(verified)}"
    )


def _run(run_id: int | None) -> str:
    return "latest run" if run_id is None else f"run {run_id}"


def _tell(line: str) -> None:
    log.info("%s", visible(line))


def _figures(size: int, seconds: float) -> str:
    rate = size / MB / seconds if seconds else 0.0
    return f"{size} bytes in {seconds:.1f} s ({rate:.1f} MB/s)"


def _verified(by: str) -> str:
    return "not verified" if by == "none" else f"verified by {by}"


def _of_several(verified: Iterable[str]) -> str:
    """Say by what several files were verified; how many by each, where that differs."""
    counts = Counter(verified)
    if len(counts) == 1:
        return _verified(*counts)
    return ", ".join(f"{count} {_verified(by)}" for by, count in counts.most_common()) or "nothing to verify"


def _described(place: Any) -> str:
    """Say where bytes come from or go to."""
    if isinstance(place, bytes | bytearray | memoryview | MemorySink):
        return "memory"
    if isinstance(place, str | os.PathLike) or hasattr(type(place), "fs"):
        return repr(one_line(place))
    return "a function" if callable(place) else "an open file"

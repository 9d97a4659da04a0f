"""The values of payloads. Frozen, pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_taskcluster.transfer.model import Json

IfExists = Literal["verify", "overwrite", "fail"]
OnError = Literal["fail", "continue"]
# Files and errors listed in a summary; the manifest has all.
SHOWN = 20


@dataclass(frozen=True, slots=True)
class PayloadFile(dict[str, Any]):
    """One listed file of a payload. It is also a dict, and passes through XCom as one.

    :param name: Relative to the root of the payload.
    :param artifact: Name of the artifact.
    :param size: Bytes, None if not listed, as for objects.
    :param content_type: Content type.
    :param storage_type: ``s3``, ``object``, ``reference``, ``link`` or ``error``.
    :param expires: Expiry, as the service writes it.
    """

    name: str
    artifact: str
    size: int | None
    content_type: str
    storage_type: str
    expires: str

    def __post_init__(self) -> None:
        self.update(
            name=self.name,
            artifact=self.artifact,
            size=self.size,
            content_type=self.content_type,
            storage_type=self.storage_type,
            expires=self.expires,
        )


@dataclass(frozen=True)
class Stored(dict[str, Any]):
    """One file in the folder, whole and verified. It is also a dict, and passes through XCom as one.

    :param name: Name of the file in the payload.
    :param path: Path or URL of the file.
    :param size: Bytes.
    :param digests: By algorithm, in hex; always with ``sha256``.
    :param verified: The hashes that were checked (``sha256+sha512``), else ``length``, else ``none``.
    :param content_type: As listed.
    :param origin: Source of the bytes: the name of an object, or a URL without its signature.
    :param tag: The storage's tag for this content (an ETag), if it has one.
    """

    name: str
    path: str
    size: int
    digests: Mapping[str, str]
    verified: str
    content_type: str
    origin: str = ""
    tag: str = ""

    def __post_init__(self) -> None:
        self.update(vars(self))

    def as_dict(self) -> Json:
        """Return the file as JSON."""
        return dict(vars(self))  # ``asdict`` would copy the digests, which costs more than all the rest


@dataclass(frozen=True)
class PayloadKey:
    """Identifies a payload in its manifest and journal."""

    task_id: str
    run_id: int | None
    prefix: str


class ShownFile(TypedDict):
    """One file in a summary."""

    name: str
    path: str
    size: int


class ExtractedArchives(TypedDict):
    """Counts of the files that were extracted from the archives of a payload."""

    folder: str
    archives: int
    files: int
    size: int


class PayloadSummary(TypedDict):
    """A ``PayloadResult`` as the operator returns it: counts, and the first of its files and errors."""

    task_id: str
    run_id: int | None
    prefix: str
    folder: str
    manifest: str
    count: int
    size: int
    transferred: int
    already_present: int
    links: int
    failed: int
    files: list[ShownFile]
    errors: dict[str, str]
    seconds: float
    extracted: NotRequired[ExtractedArchives]


@dataclass(frozen=True)
class PayloadResult(dict[str, Any]):
    """The result of a payload download.

    It is also a dict, a ``PayloadSummary``, which other tasks get if a function returns it.

    :param task_id: Id of the task.
    :param run_id: Number of the run; None for the latest run if its number cannot be read.
    :param prefix: Root of the payload.
    :param folder: Path or URL of the folder.
    :param manifest: Path of the manifest in the folder.
    :param files: All files that are in the folder now.
    :param transferred: Names of the files that were fetched; the others existed.
    :param links: Names of links, each with the name of the file that has its content.
    :param failed: Names of files that are missing, each with the reason.
    :param seconds: From the first call to the last.
    """

    task_id: str
    run_id: int | None
    prefix: str
    folder: str
    manifest: str
    files: tuple[Stored, ...]
    transferred: frozenset[str]
    links: Mapping[str, str]
    failed: Mapping[str, str]
    seconds: float = field(compare=False, default=0.0)

    def __post_init__(self) -> None:
        self.update(self.as_dict())

    def as_dict(self) -> PayloadSummary:
        """Return a summary as JSON fit for XCom: counts, the first files and errors, and the manifest's path."""
        shown: list[ShownFile] = [
            {"name": file.name, "path": file.path, "size": file.size} for file in self.files[:SHOWN]
        ]
        return {
            "task_id": self.task_id,
            "run_id": self.run_id,
            "prefix": self.prefix,
            "folder": self.folder,
            "manifest": self.manifest,
            "count": len(self.files),
            "size": sum(file.size for file in self.files),
            "transferred": len(self.transferred),
            "already_present": len(self.files) - len(self.transferred),
            "links": len(self.links),
            "failed": len(self.failed),
            "files": shown,
            "errors": dict(list(self.failed.items())[:SHOWN]),
            "seconds": round(self.seconds, 3),
        }

"""Frozen values of the transfer engine, and the services it calls. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, NotRequired, Protocol, TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

Json = dict[str, Any]
# Announced artifacts are listed, present ones can be fetched.
ArtifactState = Literal["absent", "announced", "present"]
StorageType = Literal["object", "s3"]
ErrorReason = Literal[
    "file-missing-on-worker",
    "invalid-resource-on-worker",
    "too-large-file-on-worker",
    "file-not-readable-on-worker",
]
Verification = Literal["hashes", "chain_of_trust"]


@dataclass(frozen=True)
class Grant:
    """Permission to fetch one body from a store.

    :param url: URL of the bytes; signed, so never printed whole.
    :param method: Method it was granted by: ``getUrl``, ``simple``, ``s3``, ``reference`` or ``redirect``.
    :param expires: When it expires, None if that is not known.
    :param hashes: Digests that the service names, by algorithm, in hex.
    :param redirects: How many redirects may be followed.
    :param hosts: Where they may lead (``urls.host_is_allowed``); None for anywhere.
    """

    url: str = field(repr=False)
    method: str
    expires: datetime | None = None
    hashes: Mapping[str, str] = field(default_factory=dict)
    redirects: int = 0
    hosts: tuple[str, ...] | None = None


class Body(NamedTuple):
    """A body that has arrived in its sink.

    :param size: Bytes, decoded.
    :param content_type: As the store says.
    :param digests: Digests of the decoded bytes, by algorithm, in hex.
    :param verified: The sums that were checked (``sha256+sha512``), else ``length``, else ``none``.
    :param attempts: How many requests to the store it took.
    """

    size: int
    content_type: str
    digests: Mapping[str, str]
    verified: str
    attempts: int


class ExtractedFiles(TypedDict):
    """The files extracted from an archive."""

    folder: str
    files: int
    size: int


class UploadedFolder(TypedDict):
    """An uploaded folder: ``already_present`` counts files that existed before, ``names`` lists the first 100 files."""

    prefix: str
    files: int
    size: int
    already_present: int
    names: list[str]


class Transferred(TypedDict):
    """A ``TransferResult`` as JSON: returned by operators, and pulled from XCom by functions."""

    name: str
    size: int
    content_type: str
    digests: dict[str, str]
    method: str
    verified: str
    attempts: int
    seconds: float
    already_present: bool
    destination: str | None
    extracted: NotRequired[ExtractedFiles]


class Published(Transferred):
    """An artifact that was uploaded."""

    storage_type: str


class StandIn(TypedDict):
    """An artifact without bytes: a reference, a link or an error."""

    name: str
    storage_type: str


@dataclass(frozen=True)
class TransferResult(dict[str, Any]):
    """The outcome of one transfer: name, size, digests, and how they were verified.

    It is also a dict, ``Transferred``, which another task receives when a function returns it.

    :param name: Name of the object or artifact.
    :param size: Bytes.
    :param content_type: Its content type.
    :param digests: Digests of the bytes, by algorithm, in hex.
    :param method: The negotiated method, or the way the bytes of an artifact were fetched, such as ``s3``.
    :param verified: The sums that were checked (``sha256+sha512``), else ``length``, else ``none``.
    :param attempts: How many requests to the store it took.
    :param seconds: Time from the first call to the last.
    :param already_present: The same content existed before: the object of an upload, or the file of a download.
    :param destination: Path of the file, when there is one.
    :param content: The bytes of a download to memory.
    """

    name: str
    size: int
    content_type: str
    digests: Mapping[str, str]
    method: str
    verified: str
    attempts: int
    seconds: float = 0.0
    already_present: bool = False
    destination: str | None = None
    content: bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.update(self.as_dict())

    def as_dict(self) -> Transferred:
        """Return the result as JSON for XCom, without the content."""
        return {
            "name": self.name,
            "size": self.size,
            "content_type": self.content_type,
            "digests": dict(self.digests),
            "method": self.method,
            "verified": self.verified,
            "attempts": self.attempts,
            "seconds": round(self.seconds, 3),
            "already_present": self.already_present,
            "destination": self.destination,
        }


class ObjectService(Protocol):
    """The calls of the object service that the engine makes. Responses follow the published schemas."""

    def create_upload(self, name: str, request: Mapping[str, Any]) -> Json:
        """``createUpload``."""

    def finish_upload(self, name: str, request: Mapping[str, Any]) -> None:
        """``finishUpload``."""

    def start_download(self, name: str, request: Mapping[str, Any]) -> Json:
        """``startDownload``."""

    def object_metadata(self, name: str) -> Mapping[str, Any]:
        """``object``."""


class ArtifactService(Protocol):
    """The calls of the queue that the engine makes. A ``run_id`` of None is the latest run."""

    def artifact_content(self, task_id: str, name: str, run_id: int | None, *, once: bool) -> Json:
        """``artifact`` or ``latestArtifact``; ``once`` for a call that is expected to fail."""

    def artifact_pages(self, task_id: str, run_id: int | None) -> Iterator[list[Any]]:
        """``listArtifacts`` or ``listLatestArtifacts``, page by page."""

    def latest_run(self, task_id: str) -> int | None:
        """Number of the last run; None if the client may not know it."""

    def artifact_info(self, task_id: str, name: str, run_id: int | None) -> Mapping[str, Any]:
        """``artifactInfo`` or ``latestArtifactInfo``."""

    def artifact_redirect(self, task_id: str, name: str, run_id: int | None) -> Json:
        """``getArtifact`` or ``getLatestArtifact``: ``storageType`` and ``url``, which is not followed."""

    def objects_as(self, credentials: Mapping[str, str]) -> ObjectService:
        """Return the object service, called with the credentials that the queue gave."""


class ArtifactPublisher(ArtifactService, ObjectService, Protocol):
    """The calls that publish an artifact."""

    def create_artifact(self, task_id: str, run_id: int, name: str, request: Mapping[str, Any]) -> Json:
        """``createArtifact``, without retries."""

    def finish_artifact(self, task_id: str, run_id: int, name: str, upload_id: str) -> None:
        """``finishArtifact``, without retries."""

    def artifact_is_present(self, task_id: str, run_id: int, name: str) -> bool:
        """Return whether an artifact can be fetched; without retries."""

    def artifact_state(self, task_id: str, run_id: int, name: str) -> ArtifactState:
        """Return the state of an artifact."""

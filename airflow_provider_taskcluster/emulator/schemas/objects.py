"""Requests to the object service."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from .fields import Instant, ProjectId, Request, SlugId


class Hashes(Request):
    """Hashes by algorithm; values of unknown algorithms are not checked."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    sha256: Annotated[str, Field(pattern=r"^[a-z0-9]{64}$")] | None = None
    sha512: Annotated[str, Field(pattern=r"^[a-z0-9]{128}$")] | None = None


class DataInline(Request):
    """The data itself, in base64 that the service does not validate."""

    contentType: str
    objectData: Annotated[str, Field(max_length=10926)]


class PutUrl(Request):
    """A proposal to PUT the data to a URL."""

    contentType: str
    contentLength: int


class ProposedUploadMethods(Request):
    """The upload methods that the caller proposes; unknown methods are refused."""

    dataInline: DataInline | None = None
    putUrl: PutUrl | None = None


class CreateUpload(Request):
    """Body of createUpload."""

    projectId: ProjectId
    uploadId: SlugId
    expires: Instant
    hashes: Hashes = Hashes()
    proposedUploadMethods: ProposedUploadMethods


class FinishUpload(Request):
    """Body of finishUpload."""

    projectId: ProjectId
    uploadId: SlugId
    hashes: Hashes = Hashes()


class AcceptDownloadMethods(Request):
    """The download methods that the caller knows; each can only be true."""

    getUrl: Literal[True] | None = None
    simple: Literal[True] | None = None


class StartDownload(Request):
    """Body of startDownload."""

    acceptDownloadMethods: AcceptDownloadMethods

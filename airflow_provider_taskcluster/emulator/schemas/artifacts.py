"""Requests about artifacts, one body for each storage type."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, RootModel

from .fields import ContentType, Instant, Length, Request, SlugId, Uri


class StoredArtifact(Request):
    """An artifact stored in a bucket (s3) or in the object service (object)."""

    storageType: Literal["s3", "object"]
    expires: Instant
    contentType: ContentType
    contentLength: Length | None = None


class ReferenceArtifact(Request):
    """An artifact at any URL."""

    storageType: Literal["reference"]
    expires: Instant
    url: Uri
    contentType: ContentType


class LinkArtifact(Request):
    """Another name for an artifact of the same run."""

    storageType: Literal["link"]
    expires: Instant
    artifact: str
    contentType: ContentType = "application/binary"


class ErrorArtifact(Request):
    """An artifact that the worker could not create, with the reason."""

    storageType: Literal["error"]
    expires: Instant
    reason: Literal[
        "file-missing-on-worker",
        "invalid-resource-on-worker",
        "too-large-file-on-worker",
        "file-not-readable-on-worker",
    ]
    message: Annotated[str, Field(max_length=4096)]


AnyArtifact = StoredArtifact | ReferenceArtifact | LinkArtifact | ErrorArtifact


class CreateArtifact(RootModel[Annotated[AnyArtifact, Field(discriminator="storageType")]]):
    """Body of createArtifact."""


class FinishArtifact(Request):
    """Body of finishArtifact."""

    uploadId: SlugId

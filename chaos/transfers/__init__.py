"""Kinds of transfers by their names in ``plan``: how each is run, and what it must leave behind."""

from __future__ import annotations

from .archives import ExtractArchive
from .base import Transfer
from .downloads import DownloadObject, DownloadParts, DownloadPayload, DownloadS3Artifact, ReadFile
from .uploads import UploadArtifact, UploadFolder, UploadObject, UploadParts, UploadS3Artifact, WriteFile

__all__ = ["TRANSFERS", "Transfer"]

TRANSFERS: dict[str, type[Transfer]] = {
    "upload_object": UploadObject,
    "upload_parts": UploadParts,
    "upload_artifact": UploadArtifact,
    "upload_s3_artifact": UploadS3Artifact,
    "upload_folder": UploadFolder,
    "write_file": WriteFile,
    "download_object": DownloadObject,
    "download_parts": DownloadParts,
    "download_s3_artifact": DownloadS3Artifact,
    "download_payload": DownloadPayload,
    "read_file": ReadFile,
    "extract_archive": ExtractArchive,
}

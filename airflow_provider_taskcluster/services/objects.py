"""Calls of the object service (``object/v1/api.json``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.exceptions import ServiceUnavailable
from airflow_provider_taskcluster.services.schemas import CREATED_UPLOAD, DOWNLOAD, NO_CONTENT, OBJECT
from airflow_provider_taskcluster.services.service_calls import ServiceCalls

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_taskcluster.services.schemas import Json, ObjectMetadata

_SERVER_ERROR = 500


class Objects(ServiceCalls):
    """Calls of the object service through one client."""

    async def create_upload(self, name: str, request: Mapping[str, Any]) -> Json:
        """Begin an upload, or renew the grant of one's own. Scope ``object:upload:<projectId>:<name>``."""
        response: Json = await self.client.call("object", "createUpload", name, payload=request, read=CREATED_UPLOAD)
        return response

    async def finish_upload(self, name: str, request: Mapping[str, Any]) -> None:
        """Declare an upload complete. Scope ``object:upload:<projectId>:<name>``.

        Concurrent calls may get a 500 once one of them has finished the upload. One more call after the last 500 finds
        out.
        """
        try:
            await self.client.call("object", "finishUpload", name, payload=request, read=NO_CONTENT)
        except ServiceUnavailable as error:
            if error.status != _SERVER_ERROR:
                raise
            await self.client.call("object", "finishUpload", name, payload=request, read=NO_CONTENT, once=True)

    async def start_download(self, name: str, request: Mapping[str, Any]) -> Json:
        """Negotiate a download. Scope ``object:download:<name>``."""
        response: Json = await self.client.call("object", "startDownload", name, payload=request, read=DOWNLOAD)
        return response

    async def metadata(self, name: str) -> ObjectMetadata:
        """Return project, expiry and hashes of a finished object. Scope ``object:download:<name>``."""
        response: ObjectMetadata = await self.client.call("object", "object", name, read=OBJECT)
        return response

    def url(self, name: str, signed_for: int | None = None) -> str:
        """Return a URL that redirects to the bytes. Scope ``object:download:<name>``."""
        return self.client.url("object", "download", name, signed_for=signed_for)

"""HTTP server of the store: GET and PUT by signed URL, as an S3 bucket does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .blobs import Blob, Blobs, Representation
from .errors import StoreError, access_denied, no_such_key
from .ranges import requested_range

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive, Scope, Send

    from .signing import Signer
    from .wire import Wires

CHUNK = 256 * 1024
LARGEST_PUT = 5 * 1024**3


class StoreApp:
    """ASGI application of the store, without a framework, for speed."""

    def __init__(self, blobs: Blobs, signer: Signer, wires: Wires) -> None:
        self._blobs = blobs
        self._signer = signer
        self._wires = wires

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path = scope["raw_path"].decode("latin-1")
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        try:
            if scope["method"] in {"GET", "HEAD"} and (public := self._blobs.public_path(path)):
                path = public
            else:
                self._admit(scope["method"], path, scope["query_string"].decode("latin-1"), headers)
            if scope["method"] == "PUT":
                await self._put(path, headers, receive, send)
            else:
                await self._get(scope, path, headers, send)
        except StoreError as error:
            await _refuse(error, path, send)

    def _admit(self, method: str, path: str, query: str, headers: Mapping[str, str]) -> None:
        if not self._blobs.is_path(path):
            raise access_denied()
        if method not in {"GET", "HEAD", "PUT"}:
            raise StoreError(405, "MethodNotAllowed", "The specified method is not allowed.")
        self._signer.check(method, path, query, headers)

    async def _get(self, scope: Scope, path: str, headers: Mapping[str, str], send: Send) -> None:
        blob = self._blobs.open(path)
        if blob is None:
            raise no_such_key()
        with blob.file:
            part = requested_range(headers.get("range") if _range_holds(headers, blob) else None, blob.size)
            offsets = range(blob.size) if part is None else part
            response_headers = {
                **blob.representation.headers(),
                "Content-Length": str(len(offsets)),
                "ETag": blob.etag,
                "Last-Modified": blob.last_modified,
                "Accept-Ranges": "bytes",
            }
            if part is not None:
                response_headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{blob.size}"
            await _start(send, 200 if part is None else 206, response_headers)
            await self._stream(scope, blob, offsets, send)

    async def _stream(self, scope: Scope, blob: Blob, offsets: range, send: Send) -> None:
        """Send the bytes in chunks; each send waits until the connection accepts more."""
        wire = self._wires.of(scope)
        blob.file.seek(offsets.start)
        left = len(offsets)
        while left and not wire.closed:
            chunk = blob.file.read(min(CHUNK, left))
            if not chunk:
                return  # the file has become shorter: the incomplete body cuts the connection
            left -= len(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _put(self, path: str, headers: Mapping[str, str], receive: Receive, send: Send) -> None:
        if not headers.get("content-length", "").isdigit():
            raise StoreError(411, "MissingContentLength", "You must provide the Content-Length HTTP header.")
        if int(headers["content-length"]) > LARGEST_PUT:
            raise StoreError(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
        with self._blobs.writer() as file:
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return
                file.write(message.get("body", b""))
                more = message.get("more_body", False)
            self._blobs.commit(file, path, _representation(headers))
        stored = self._blobs.open(path)
        if stored is not None:
            stored.file.close()
            await _start(send, 200, {"ETag": stored.etag, "Content-Length": "0"})
            await send({"type": "http.response.body", "body": b""})


def _range_holds(headers: Mapping[str, str], blob: Blob) -> bool:
    condition = headers.get("if-range")
    return condition is None or condition in (blob.etag, blob.last_modified)


def _representation(headers: Mapping[str, str]) -> Representation:
    names = ("content-type", "content-encoding", "content-disposition")
    return Representation(*(headers.get(name) for name in names))


async def _start(send: Send, status: int, headers: Mapping[str, str]) -> None:
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})


async def _refuse(error: StoreError, path: str, send: Send) -> None:
    """Respond at once and close the connection, even if the client is still sending, as S3 does."""
    body = error.xml(path)
    headers = {"Content-Type": "application/xml", "Content-Length": str(len(body)), "Connection": "close"}
    await _start(send, error.status, {**headers, **error.headers})
    await send({"type": "http.response.body", "body": body})

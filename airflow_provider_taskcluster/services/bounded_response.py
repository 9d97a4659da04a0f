"""aiohttp's response, of which no more is read than an answer of a Taskcluster API can have."""

from __future__ import annotations

from aiohttp import ClientResponse

from airflow_provider_taskcluster.services.limits import FIRST_ERROR, TooLargeError

# Bytes of an error that are read, decoded. It says what it is at its beginning, and echoes the request after that.
LARGEST_ERROR = 64 * 1024


def bounded_response(largest: int) -> type[ClientResponse]:
    """Return the class of responses with at most so many bytes, decoded."""

    class BoundedResponse(ClientResponse):
        async def read(self) -> bytes:
            """Return the body; of an error its beginning.

            :raises TooLargeError: It is larger.
            """
            if self._body is None:
                try:
                    self._body = await self._read()
                except BaseException:
                    self.close()
                    raise
            return self._body

        async def _read(self) -> bytes:
            error = self.status >= FIRST_ERROR
            limit = LARGEST_ERROR if error else largest
            body = bytearray()
            async for piece in self.content.iter_any():
                body += piece
                if len(body) <= limit:
                    continue
                if not error:
                    raise TooLargeError(f"more than {largest} bytes")
                self.close()
                break
            return bytes(body[:limit])

    return BoundedResponse

"""aiohttp's response with a limit on the size of the body."""

from __future__ import annotations

from aiohttp import ClientResponse

from airflow_provider_taskcluster.services.limits import FIRST_ERROR, TooLargeError

# Bytes of an error that are read, decoded. The message is at its beginning, an echo of the request after that.
LARGEST_ERROR = 64 * 1024


def bounded_response(largest: int) -> type[ClientResponse]:
    """Return a class of responses whose decoded bodies have at most ``largest`` bytes."""

    class BoundedResponse(ClientResponse):
        async def read(self) -> bytes:
            """Return the body, or the beginning of an error.

            :raises TooLargeError: The body exceeds the limit.
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

"""A good response to a GET, whose body is read into our own buffers and checked to be complete."""

from __future__ import annotations

import http.client
import time
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common.http.strict_response import underlying_response
from airflow_provider_taskcluster.common.redaction import public_url
from airflow_provider_taskcluster.common.retry import TRY_AGAIN
from airflow_provider_taskcluster.exceptions import ConnectionFailed, InvalidFraming, Truncated
from airflow_provider_taskcluster.transfer.http.ranges import facts_of

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

    from airflow_provider_taskcluster.common.http.connection import RequestConnection
    from airflow_provider_taskcluster.transfer.http.ranges import Facts


# Bytes read at a time. All that has arrived is taken, so that nothing is lost when the connection breaks.
READ_SIZE = 512 * 1024
# Seconds after which ``readinto`` returns a partly filled buffer.
FILL_SECONDS = 1.0


class StoreResponse:
    """A response and its body.

    ``status`` is 200 or 206; ``facts`` describe the whole body; ``marked`` says whether a cut can be detected.

    :param connection: The connection of the request.
    :raises InvalidFraming: The headers do not say where the body ends.
    """

    def __init__(self, response: BaseHTTPResponse, url: str, connection: RequestConnection) -> None:
        self.status = response.status
        self.headers = response.headers
        # The response of the standard library: read1 of urllib3 takes 0.4 s more CPU time for 1 GiB over TLS.
        self._body = underlying_response(response)
        framing = self._body.framing
        if framing.unreadable:
            raise InvalidFraming(
                f"{public_url(url)} answered with a {framing.unreadable} that cannot be read, so that nobody knows "
                f"where the body ends; {TRY_AGAIN}"
            )
        self.facts: Facts = facts_of(self.status, self.headers, framing)
        self.marked: bool = framing.marked
        self._response = response
        self._connection = connection
        self._where = public_url(url)
        self._received = 0
        self._failure: ConnectionFailed | Truncated | None = None
        self._length: int | None = framing.length

    def readinto(self, buffer: memoryview) -> int:
        """Fill the buffer with the next bytes, still encoded; return their number, 0 at the end.

        It is filled partly if the body ends, breaks off (the next call raises the error) or is slow.

        :raises Truncated: The body ended early.
        :raises ConnectionFailed: The connection broke or fell silent.
        """
        if self._failure:
            raise self._failure
        filled, until = 0, time.monotonic() + FILL_SECONDS
        try:
            while count := self.read_available(buffer[filled : filled + READ_SIZE]):
                filled += count
                if filled == len(buffer) or time.monotonic() > until:
                    break
        except (ConnectionFailed, Truncated) as error:
            if not filled:
                raise
            self._failure = error
        return filled

    def read_available(self, buffer: memoryview) -> int:
        """Read what has arrived, or wait for the next bytes, still encoded; return their number, 0 at the end.

        :raises Truncated: The body ended early.
        :raises ConnectionFailed: The connection broke or fell silent.
        """
        try:
            data = self._body.read1(len(buffer))
        except (http.client.HTTPException, OSError, ValueError) as error:
            if isinstance(error, http.client.IncompleteRead) and not self._connection.aborted:
                raise self._truncated() from None
            raise self._broke_off(str(error) or type(error).__name__) from None
        if self._connection.aborted:  # it may look like the end of the body
            raise self._broke_off("the transfer was ended here")
        buffer[: len(data)] = data
        self._received += len(data)
        if not data and self._length is not None and self._received != self._length:
            raise self._truncated()
        if not data or self._received == self._length:
            self._connection.detach()
            # urllib3 does not see the end of the body; the connection can be reused only if this response is closed.
            self._body.close()
            self._response.release_conn()
        return len(data)

    def skip(self, count: int) -> None:
        """Read and discard ``count`` bytes."""
        buffer = bytearray(min(count, 1 << 16))
        while count:
            filled = self.readinto(memoryview(buffer)[:count])
            if not filled:
                raise self._truncated()
            count -= filled

    def _broke_off(self, reason: str) -> ConnectionFailed:
        return ConnectionFailed(f"{self._where} broke off after {self._received} bytes: {reason}; {TRY_AGAIN}")

    def _truncated(self) -> Truncated:
        of = "" if self._length is None else f" of {self._length}"
        return Truncated(f"{self._where} ended after {self._received}{of} bytes; {TRY_AGAIN}")

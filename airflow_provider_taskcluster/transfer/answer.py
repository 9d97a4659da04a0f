"""A good answer to a GET, its body still on the way: read into our own buffers, its end checked."""

from __future__ import annotations

import http.client
import time
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.exceptions import ConnectionFailed, Truncated
from airflow_provider_taskcluster.redaction import public_url
from airflow_provider_taskcluster.transfer.ranges import facts_of

if TYPE_CHECKING:
    import requests

    from airflow_provider_taskcluster.transfer.ranges import Facts


# What is lost at most when a connection breaks.
STEP = 256 * 1024
# Seconds after which a slow body is handed over as it comes.
LINGER = 1.0


class Answer:
    """The body of one answer.

    ``status`` is 200 or 206; ``facts`` is what the headers say of the whole body.
    """

    def __init__(self, response: requests.Response, url: str) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self.facts: Facts = facts_of(self.status, self.headers)
        self._response = response
        self._where = public_url(url)
        self._received = 0
        self._failure: ConnectionFailed | Truncated | None = None
        self._aborted = False
        length = self.headers.get("Content-Length", "")
        self._length = int(length) if length.isdigit() else None
        # The response of the standard library reads into our buffer as fast as a bare socket does. urllib3's own
        # readinto copies three times: 2.2 instead of 1.1 s of CPU time for 1 GiB.
        self._body: Any = getattr(response.raw, "_original_response", None) or response.raw

    def readinto(self, buffer: memoryview) -> int:
        """Fill the buffer with the next bytes, still encoded; return how many, 0 at the end.

        It is filled in part where the body ends, breaks off (the next call raises that) or comes slowly.

        :raises Truncated: The body ended early.
        :raises ConnectionFailed: The connection broke or fell silent.
        """
        if self._failure:
            raise self._failure
        filled, until = 0, time.monotonic() + LINGER
        try:
            while count := self._read(buffer[filled : filled + STEP]):
                filled += count
                if filled == len(buffer) or time.monotonic() > until:
                    break
        except (ConnectionFailed, Truncated) as error:
            if not filled:
                raise
            self._failure = error
        return filled

    def _read(self, buffer: memoryview) -> int:
        try:
            count = int(self._body.readinto(buffer))
        except http.client.IncompleteRead:
            raise self._truncated() from None
        except (http.client.HTTPException, OSError, ValueError) as error:  # ValueError: closed by abort()
            reason = str(error) or type(error).__name__
            raise self._broke_off(reason) from None
        if self._aborted:  # what comes then may look like the end, or like more of the body
            raise self._broke_off("the transfer was ended here")
        self._received += count
        if not count and self._length is not None and self._received != self._length:
            raise self._truncated()
        if not count or self._received == self._length:
            self._response.raw.release_conn()  # urllib3 does not see that we have read to the end
        return count

    def skip(self, count: int) -> None:
        """Throw bytes away."""
        rest = bytearray(min(count, 1 << 16))
        while count:
            got = self.readinto(memoryview(rest)[:count])
            if not got:
                raise self._truncated()
            count -= got

    def abort(self) -> None:
        """Wake a thread that waits in ``readinto``; it gets a ConnectionFailed or a Truncated."""
        self._aborted = True
        if shutdown := getattr(self._response.raw, "shutdown", None):
            try:
                shutdown()
            except (OSError, ValueError, RuntimeError):
                return  # it had just ended by itself

    def _broke_off(self, reason: str) -> ConnectionFailed:
        return ConnectionFailed(f"{self._where} broke off after {self._received} bytes: {reason}")

    def _truncated(self) -> Truncated:
        of = "" if self._length is None else f" of {self._length}"
        return Truncated(f"{self._where} ended after {self._received}{of} bytes")

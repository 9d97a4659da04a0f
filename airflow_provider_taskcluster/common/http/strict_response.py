"""A strict version of the standard library's HTTP response: the headers decide once where the body ends.

``http.client`` and urllib3 parse lengths leniently, each in its own way, and an invalid header line hides all headers
after it. Here the head is parsed before the body is read, and its length headers are rewritten so that all readers
agree: one Content-Length with one number, and none for a chunked body.
"""

from __future__ import annotations

import http.client
import io
import time
from typing import TYPE_CHECKING, Any, NoReturn, cast

from airflow_provider_taskcluster.common.framing import Framing, framing_of

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

# Longest line of a head, and most lines, as in the standard library.
_LONGEST_LINE = 1 << 16
_MOST_LINES = 100
# Most interim responses (1xx) to skip.
_MOST_INTERIM = 100
_SWITCHING_PROTOCOLS = 101
_FIRST_FINAL = 200
_NO_BODY = {204, 304}
# Most digits of a chunk size.
_MOST_DIGITS = 16
_HEX_DIGITS = frozenset(b"0123456789abcdefABCDEF")


class InvalidHead(http.client.HTTPException):
    """Status and headers are cut, or unreasonably long."""


class StrictResponse(http.client.HTTPResponse):
    """A response whose ``framing`` tells where its body ends.

    It overrides how the head and the chunk sizes are read. The type stubs lack the attributes needed for that.
    """

    framing = Framing()
    # Seconds from the first byte of a head, or of a chunk line, to its end.
    line_timeout = 60.0
    _deadline = 0.0
    fp: Any
    code: int
    chunked: bool
    chunk_left: int | None
    will_close: bool
    _method: str

    def begin(self) -> None:
        """Read the head, and decide where the body ends."""
        version, self.status, reason = self._final_status()
        if not version.startswith("HTTP/1."):
            raise http.client.UnknownProtocol(version)
        self.code, self.reason = self.status, reason.strip()
        self.version = 10 if version == "HTTP/1.0" else 11
        self.headers = self.msg = self._read_headers()
        self._frame()

    def _final_status(self) -> tuple[str, int, str]:
        """Skip interim responses (RFC 9110, 15.2). 101 is final: the connection has switched to another protocol."""
        for _ in range(_MOST_INTERIM):
            version, status, reason = self._read_status()
            if status >= _FIRST_FINAL or status == _SWITCHING_PROTOCOLS:
                return version, status, reason
            self._read_headers()
        raise InvalidHead(f"{_MOST_INTERIM} interim answers, and no other")

    def _read_status(self) -> tuple[str, int, str]:
        """Read the status line, and start the time-out of the whole head."""
        stream, self._deadline = self.fp, 0.0
        self.fp = io.BytesIO(self._timed_line())
        try:
            return super()._read_status()  # type: ignore[misc, no-any-return]
        finally:
            self.fp = stream

    def _timed_line(self) -> bytes:
        """Read to the end of a line, or a little more than the longest line allowed.

        :raises TimeoutError: It was not complete in time, even if bytes kept coming.
        """
        line = b""
        while peeked := self.fp.peek(1):
            self._deadline = self._deadline or time.monotonic() + self.line_timeout
            line += self.fp.read(peeked.find(b"\n") + 1 or len(peeked))
            if time.monotonic() > self._deadline:
                raise TimeoutError(f"a head or a line has not come within {self.line_timeout:g} seconds")
            if line.endswith(b"\n") or len(line) > _LONGEST_LINE:
                break
        return line

    def _read_headers(self) -> http.client.HTTPMessage:
        """Read headers up to the empty line (RFC 9112, 5). An invalid line is skipped, and hides no header."""
        headers: list[list[str]] = []
        for _ in range(_MOST_LINES):
            line = self._line().decode("latin-1").rstrip("\r\n")
            if not line:
                break
            name, colon, value = line.partition(":")
            if line[0] in " \t" and headers:  # a continuation of the line before
                headers[-1][1] += f" {line.strip()}"
            elif colon:
                headers.append([name.strip(), value.strip(" \t")])
        else:
            raise InvalidHead(f"more than {_MOST_LINES} headers")
        message = http.client.HTTPMessage()
        for name, value in headers:
            message.set_raw(name, value)
        return message

    def _line(self) -> bytes:
        line = self._timed_line()
        if len(line) > _LONGEST_LINE:
            raise InvalidHead(f"a header of more than {_LONGEST_LINE} bytes")
        if not line.endswith(b"\n"):
            raise InvalidHead("the headers were cut")
        return line

    def _frame(self) -> None:
        """Decide where the body ends, and rewrite the headers to say so."""
        length, coding = (self._joined(name) for name in ("Content-Length", "Transfer-Encoding"))
        framing = framing_of(length, coding)
        if self.status in _NO_BODY or self.status < _FIRST_FINAL or self._method == "HEAD":
            framing = Framing(length=0)
        self.framing = framing
        self.chunked, self.chunk_left, self.length = framing.chunked, None, framing.length
        disputed = not framing.marked or (framing.chunked and length is not None)
        # The connection cannot be reused after a body whose end is disputed (RFC 9112, 6.3).
        self.will_close = disputed or self._check_close()  # type: ignore[attr-defined]
        del self.headers["Content-Length"], self.headers["Transfer-Encoding"]
        if framing.chunked:
            self.headers["Transfer-Encoding"] = "chunked"
        elif framing.length is not None:
            self.headers["Content-Length"] = str(framing.length)

    def _joined(self, name: str) -> str | None:
        values = self.headers.get_all(name)
        return None if values is None else ",".join(values)

    def _get_chunk_left(self) -> int | None:
        """Return the bytes left in the current chunk, reading the next chunk size if needed; None at the end.

        :raises http.client.IncompleteRead: The chunk is invalid or cut.
        """
        if not self.chunk_left:
            if self.chunk_left is not None and self.fp.read(2) != b"\r\n":
                self._raise_invalid_chunk()
            self.chunk_left = self._next_chunk_size()
            if not self.chunk_left:
                self._read_and_discard_trailer()
                self._close_conn()  # type: ignore[attr-defined]
                self.chunk_left = None
        return self.chunk_left

    def _next_chunk_size(self) -> int:
        """Read a chunk size: digits only, and a complete line, since a cut "0a3" is not the last chunk."""
        self._deadline = 0.0
        line = self._timed_line()
        digits = line.partition(b";")[0].strip()
        if not line.endswith(b"\n") or not 0 < len(digits) <= _MOST_DIGITS or not _HEX_DIGITS.issuperset(digits):
            self._raise_invalid_chunk()
        return int(digits, 16)

    def _read_and_discard_trailer(self) -> None:
        self._deadline = 0.0
        for _ in range(_MOST_LINES):
            if self._timed_line() in {b"\r\n", b"\n", b""}:
                return
        self._raise_invalid_chunk()

    def _raise_invalid_chunk(self) -> NoReturn:
        self._close_conn()  # type: ignore[attr-defined]
        raise http.client.IncompleteRead(b"")


def read_prefix(response: BaseHTTPResponse, most: int) -> bytes:
    """Return the start of a body: at most ``most`` bytes, read in a limited time.

    After an error or a time-out, return the bytes read so far. If the body is complete, keep the connection.
    """
    body, data, deadline = underlying_response(response), bytearray(), 0.0
    try:
        while len(data) < most and (piece := body.read1(most - len(data))):
            data += piece
            deadline = deadline or time.monotonic() + body.line_timeout
            if time.monotonic() > deadline:
                return bytes(data)
    except (http.client.HTTPException, OSError, ValueError):
        return bytes(data)
    if len(data) < most and not body.length:
        body.close()
        response.release_conn()  # urllib3 does not see the end of the body
    return bytes(data)


def underlying_response(response: BaseHTTPResponse) -> StrictResponse:
    """Return the response that the response of urllib3 wraps."""
    wrapping: Any = response
    return cast("StrictResponse", wrapping._original_response)  # noqa: SLF001 (urllib3 has no other name for it)

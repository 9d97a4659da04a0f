"""The standard library's HTTP response, read more strictly: the headers decide once where the body ends.

``http.client`` and urllib3 read lengths more freely, each in its own way, and a line that is no header hides all that
come after it. Here the headers are read from their bytes, before a byte of the body is taken, and then say the same to
all: a length is written as one number, and beside chunks there is none.
"""

from __future__ import annotations

import http.client
import io
import time
from typing import TYPE_CHECKING, Any, NoReturn, cast

from airflow_provider_taskcluster.common.framing import Framing, framing_of

if TYPE_CHECKING:
    import requests

# Longest line of a head, and most lines in it, as in the standard library.
_LONGEST_LINE = 1 << 16
_MOST_LINES = 100
# Interim answers before the real one that are read past.
_MOST_INTERIM = 100
_SWITCHING_PROTOCOLS = 101
_FIRST_FINAL = 200
_NO_BODY = {204, 304}
# More digits than the size of any chunk has.
_MOST_DIGITS = 16
_HEX_DIGITS = frozenset(b"0123456789abcdefABCDEF")


class InvalidHead(http.client.HTTPException):
    """Status and headers that are cut, or more than anybody sends."""


class StrictResponse(http.client.HTTPResponse):
    """An answer of a store. ``framing`` tells where its body ends.

    It replaces the reading of the head and of the sizes of chunks. The published types leave out what that needs.
    """

    framing = Framing()
    # Seconds from the first byte of a head, or of a line between chunks, to its end.
    line_timeout = 60.0
    _late = 0.0
    fp: Any
    code: int
    chunked: bool
    chunk_left: int | None
    will_close: bool
    _method: str

    def begin(self) -> None:
        """Read the head, and decide where the body ends."""
        if self.headers is not None:
            return
        version, self.status, reason = self._final_status()
        if not version.startswith("HTTP/1."):
            raise http.client.UnknownProtocol(version)
        self.code, self.reason = self.status, reason.strip()
        self.version = 10 if version == "HTTP/1.0" else 11
        self.headers = self.msg = self._read_headers()
        self._frame()

    def _final_status(self) -> tuple[str, int, str]:
        """Read past interim answers (RFC 9110, 15.2). 101 is none: the connection speaks another protocol then."""
        for _ in range(_MOST_INTERIM):
            version, status, reason = self._read_status()
            if status >= _FIRST_FINAL or status == _SWITCHING_PROTOCOLS:
                return version, status, reason
            self._read_headers()
        raise InvalidHead(f"{_MOST_INTERIM} interim answers, and no other")

    def _read_status(self) -> tuple[str, int, str]:
        """Read the first line of a head, within the time of which the rest has to come as well."""
        whole, self._late = self.fp, 0.0
        self.fp = io.BytesIO(self._timed_line())
        try:
            return super()._read_status()  # type: ignore[misc, no-any-return]
        finally:
            self.fp = whole

    def _timed_line(self) -> bytes:
        """Read to the end of a line, or a little more than any has.

        :raises TimeoutError: It has not come in time, however often some of it came.
        """
        line = b""
        while there := self.fp.peek(1):
            self._late = self._late or time.monotonic() + self.line_timeout
            line += self.fp.read(there.find(b"\n") + 1 or len(there))
            if time.monotonic() > self._late:
                raise TimeoutError(f"a head or a line has not come within {self.line_timeout:g} seconds")
            if line.endswith(b"\n") or len(line) > _LONGEST_LINE:
                break
        return line

    def _read_headers(self) -> http.client.HTTPMessage:
        """Read headers to the empty line (RFC 9112, 5). What is no header is left out, and hides no other."""
        headers: list[list[str]] = []
        for _ in range(_MOST_LINES):
            line = self._line().decode("latin-1").rstrip("\r\n")
            if not line:
                break
            name, colon, value = line.partition(":")
            if line[0] in " \t" and headers:  # the line before goes on
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
        """Decide where the body ends, and let the headers say so to those who read them later."""
        length, coding = (self._joined(name) for name in ("Content-Length", "Transfer-Encoding"))
        framing = framing_of(length, coding)
        if self.status in _NO_BODY or self.status < _FIRST_FINAL or self._method == "HEAD":
            framing = Framing(length=0)
        self.framing = framing
        self.chunked, self.chunk_left, self.length = framing.chunked, None, framing.length
        disputed = not framing.marked or (framing.chunked and length is not None)
        # Nobody knows what comes after a body whose end is disputed (RFC 9112, 6.3).
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
        """Return how much of a chunk is left, after reading the size of the next one if need be; None at the end.

        :raises http.client.IncompleteRead: What comes is no chunk, or is cut.
        """
        if not self.chunk_left:
            if self.chunk_left is not None and self.fp.read(2) != b"\r\n":
                self._out_of_step()
            self.chunk_left = self._next_chunk_size()
            if not self.chunk_left:
                self._read_and_discard_trailer()
                self._close_conn()  # type: ignore[attr-defined]
                self.chunk_left = None
        return self.chunk_left

    def _next_chunk_size(self) -> int:
        """Read the line of a chunk's size: digits only, and a whole line, since a cut "0a3" is not the last chunk."""
        self._late = 0.0
        line = self._timed_line()
        digits = line.partition(b";")[0].strip()
        if not line.endswith(b"\n") or not 0 < len(digits) <= _MOST_DIGITS or not _HEX_DIGITS.issuperset(digits):
            self._out_of_step()
        return int(digits, 16)

    def _read_and_discard_trailer(self) -> None:
        self._late = 0.0
        for _ in range(_MOST_LINES):
            if self._timed_line() in {b"\r\n", b"\n", b""}:
                return
        self._out_of_step()

    def _out_of_step(self) -> NoReturn:
        self._close_conn()  # type: ignore[attr-defined]
        raise http.client.IncompleteRead(b"")


def read_prefix(response: requests.Response, most: int) -> bytes:
    """Return what comes of a body that is read for what it says: at most so many bytes, and in a limited time.

    Whatever ends it, what has come is taken. Where that is all of it, the connection is kept.
    """
    body, data, late = underlying_response(response), bytearray(), 0.0
    try:
        while len(data) < most and (came := body.read1(most - len(data))):
            data += came
            late = late or time.monotonic() + body.line_timeout
            if time.monotonic() > late:
                return bytes(data)
    except (http.client.HTTPException, OSError, ValueError):
        return bytes(data)
    if len(data) < most and not body.length:
        body.close()
        response.raw.release_conn()  # urllib3 does not see that we have read to the end
    return bytes(data)


def underlying_response(response: requests.Response) -> StrictResponse:
    """Return the response that those of urllib3 and requests are wrapped around."""
    return cast("StrictResponse", response.raw._original_response)  # noqa: SLF001 (urllib3 has no other name for it)

"""Where the body of an HTTP answer ends, and the numbers and dates in headers (RFC 9110, RFC 9112). Pure.

HTTP libraries are more lenient: they ignore an unreadable length, and a body that was cut off then looks complete. Here
a number is ASCII digits, and an unreadable header is distinguished from a missing one.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

# White space that HTTP allows around a value.
_BLANK = " \t"
# At most 20 digits, enough for any length; int() of thousands of digits is slow, or fails.
_NUMBER = re.compile(r"[0-9]{1,20}")
# Characters of a header that are parsed as a date; a date has 29.
_LONGEST_DATE = 64
_CONTENT_RANGE = re.compile(r"bytes[ \t]+([0-9]{1,20})-([0-9]{1,20})/([0-9]{1,20})", re.IGNORECASE)
_UNSATISFIED_RANGE = re.compile(r"bytes[ \t]+\*/([0-9]{1,20})", re.IGNORECASE)


class Framing(NamedTuple):
    """How the end of a body is recognized.

    :param chunked: By the last chunk; Content-Length is ignored then (RFC 9112, 6.3).
    :param length: By the number of bytes; None otherwise.
    :param unreadable: Name of the framing header if its value is invalid, else "".
    """

    chunked: bool = False
    length: int | None = None
    unreadable: str = ""

    @property
    def marked(self) -> bool:
        """Whether a body that was cut off can be recognized."""
        return self.chunked or self.length is not None


def framing_of(content_length: str | None, transfer_encoding: str | None) -> Framing:
    """Return the framing of a body.

    :param content_length: Value of the header, several joined by commas; None if there is none.
    :param transfer_encoding: The same.
    """
    codings = {coding.strip(_BLANK).lower() for coding in (transfer_encoding or "").split(",")} - {"", "identity"}
    if codings == {"chunked"}:
        return Framing(chunked=True)
    if codings:
        return Framing(unreadable="Transfer-Encoding")
    if content_length is None:
        return Framing()
    length = header_number(content_length)
    return Framing(unreadable="Content-Length") if length is None else Framing(length=length)


def header_number(value: str) -> int | None:
    """Return the number in the value of a header, None if it is anything else."""
    text = _only_member(value)
    return int(text) if _NUMBER.fullmatch(text) else None


def content_range(value: str) -> tuple[int, int, int] | None:
    """Return first byte, last byte and total length from the Content-Range of a 206; None unless it has all three."""
    match = _CONTENT_RANGE.fullmatch(_only_member(value))
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def unsatisfied_total(value: str) -> int | None:
    """Return the total length from the Content-Range of a 416; None if it has none."""
    match = _UNSATISFIED_RANGE.fullmatch(_only_member(value))
    return int(match[1]) if match else None


def _only_member(value: str) -> str:
    """Return the value of a header, also if it was sent several times with one value; "" if the values differ."""
    members = {member.strip(_BLANK) for member in value.split(",")}
    return members.pop() if len(members) == 1 else ""


def header_date(value: str) -> datetime | None:
    """Return the date in the value of a header, None if it is anything else."""
    try:
        parsed = parsedate_to_datetime(value[:_LONGEST_DATE])
        return parsed.replace(tzinfo=parsed.tzinfo or UTC).astimezone(UTC)  # "-0000" has no zone
    except (ValueError, OverflowError, TypeError, IndexError):  # (each raised for some invalid dates)
        return None

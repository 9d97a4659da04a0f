"""Where the body of an HTTP answer ends, and the numbers and dates in headers (RFC 9110, RFC 9112). Pure.

Libraries read these headers more freely: a length that they cannot read counts as none, and a body that is cut then
looks complete. Here a number is ASCII digits, and what cannot be read is told from what was not said.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# White space that HTTP allows around a value.
_BLANK = " \t"
# More digits than any length has; int() of thousands of them is slow, or refused.
_NUMBER = re.compile(r"[0-9]{1,20}")
# Characters that are looked at for a date, which has 29.
_LONGEST_DATE = 64
_CONTENT_RANGE = re.compile(r"bytes[ \t]+([0-9]{1,20})-([0-9]{1,20})/([0-9]{1,20})", re.IGNORECASE)
_UNSATISFIED_RANGE = re.compile(r"bytes[ \t]+\*/([0-9]{1,20})", re.IGNORECASE)


@dataclass(frozen=True)
class Framing:
    """How the end of a body is found.

    :param chunked: By the last chunk. Content-Length does not count then (RFC 9112, 6.3).
    :param length: By the number of bytes; None if not.
    :param unreadable: The header that says it in a way that nobody can read, else "".
    """

    chunked: bool = False
    length: int | None = None
    unreadable: str = ""

    @property
    def marked(self) -> bool:
        """Whether a body that was cut can be told from a whole one."""
        return self.chunked or self.length is not None


def framing_of(content_length: str | None, transfer_encoding: str | None) -> Framing:
    """Tell where a body ends.

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
    """Return first byte, last byte and length of the whole out of the Content-Range of a 206, None if it tells less."""
    found = _CONTENT_RANGE.fullmatch(_only_member(value))
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def unsatisfied_total(value: str) -> int | None:
    """Return the length of the body that the Content-Range of a 416 tells, if it does."""
    found = _UNSATISFIED_RANGE.fullmatch(_only_member(value))
    return int(found[1]) if found else None


def _only_member(value: str) -> str:
    """Return the member of a list whose members are all equal, as when a header was sent twice; "" for other lists."""
    members = {member.strip(_BLANK) for member in value.split(",")}
    return members.pop() if len(members) == 1 else ""


def header_date(value: str) -> datetime | None:
    """Return the date in the value of a header, None if it is anything else."""
    try:
        found = parsedate_to_datetime(value[:_LONGEST_DATE])
        return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)  # "-0000" has no zone
    except (ValueError, OverflowError, TypeError, IndexError):  # (each for another kind of nonsense)
        return None

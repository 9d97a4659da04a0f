"""Range requests and their answers (RFC 9110, 14). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_UNSATISFIED = re.compile(r"bytes \*/(\d+)")
PARTIAL = 206
UNSATISFIABLE = 416
# What a body may come in; the schema of getUrl wants both accepted.
ACCEPT_ENCODING = "identity, gzip;q=0.5"


@dataclass(frozen=True)
class ByteRange:
    """Bytes ``start`` to ``end`` of a body, ``end`` not included; None for all that is left."""

    start: int
    end: int | None = None

    def header(self) -> str:
        """Return the value of the Range header."""
        return f"bytes={self.start}-{'' if self.end is None else self.end - 1}"


@dataclass(frozen=True)
class Facts:
    """What the first good answer says of a body; answers to later ranges must agree.

    :param total: Bytes of the whole (encoded) body, None if the store does not say.
    :param encoding: Content-Encoding, "" for none.
    :param etag: Strong entity tag, None for none. A weak one does not promise equal bytes.
    :param content_type: Content type.
    """

    total: int | None
    encoding: str
    etag: str | None
    content_type: str


def facts_of(status: int, headers: Mapping[str, str]) -> Facts:
    """Read the facts out of an answer."""
    if status == PARTIAL:
        total = int(found[3]) if (found := _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))) else None
    else:
        length = headers.get("Content-Length", "")
        total = int(length) if length.isdigit() else None
    etag = headers.get("ETag", "")
    encoding = headers.get("Content-Encoding", "").strip().lower()
    return Facts(
        total=total,
        encoding="" if encoding == "identity" else encoding,
        etag=etag if etag.startswith('"') else None,
        content_type=headers.get("Content-Type", "application/octet-stream"),
    )


def range_headers(wanted: ByteRange | None, known: Facts | None) -> dict[str, str]:
    """Return the headers of a request: for the whole body, or for a range of the body that is known."""
    headers = {"Accept-Encoding": ACCEPT_ENCODING}
    if wanted is not None:
        headers["Range"] = wanted.header()
        if known is not None and known.etag:
            headers["If-Range"] = known.etag
    return headers


@dataclass(frozen=True)
class Place:
    """Where the body of an answer lies.

    :param skip: So many of its bytes come before the wanted one.
    :param stop: Where it ends in the whole body; None if that is not known.
    """

    skip: int
    stop: int | None


def place(headers: Mapping[str, str], wanted: int, known: Facts, new: Facts) -> Place | None:
    """Tell where a 206 lies; None if it does not fit.

    A server may send more than was asked. It must not send another body, or bytes from behind the wanted one.
    """
    found = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
    if not found:
        return None
    start, end, total = (int(number) for number in found.groups())
    same = (
        (known.total is None or known.total == total)
        and (known.etag is None or new.etag is None or known.etag == new.etag)
        and known.encoding == new.encoding
    )
    return Place(wanted - start, end + 1) if same and start <= wanted <= end < total else None


def unsatisfied_total(content_range: str) -> int | None:
    """Return the length of the body that the Content-Range of a 416 tells, if it does."""
    found = _UNSATISFIED.fullmatch(content_range)
    return int(found[1]) if found else None

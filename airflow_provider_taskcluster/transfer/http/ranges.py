"""Range requests and their responses (RFC 9110, 14). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_taskcluster.common.framing import content_range
from airflow_provider_taskcluster.common.messages import one_line
from airflow_provider_taskcluster.common.names import LONGEST_CONTENT_TYPE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_taskcluster.common.framing import Framing

PARTIAL = 206
UNSATISFIABLE = 416
# Encodings that we accept; the schema of getUrl requires both.
ACCEPT_ENCODING = "identity, gzip;q=0.5"
# Content type of a body for which the store names none (RFC 9110, 8.3).
DEFAULT_TYPE = "application/octet-stream"


class ByteRange(NamedTuple):
    """Bytes ``start`` to ``end`` of a body, ``end`` not included; None for the rest of the body."""

    start: int
    end: int | None = None

    def header(self) -> str:
        """Return the value of the Range header."""
        return f"bytes={self.start}-{'' if self.end is None else self.end - 1}"


@dataclass(frozen=True)
class Facts:
    """Properties of a body, read from the headers of the first good response; later responses must agree.

    :param total: Size of the whole (encoded) body in bytes, None if the store does not say.
    :param encoding: Content-Encoding, "" for none.
    :param etag: Strong entity tag, None for none. A weak one does not promise equal bytes.
    :param content_type: Content type, "" if the store does not say.
    :param weak_etag: Weak entity tag, "" for none.
    :param last_modified: Last-Modified, "" for none.
    """

    total: int | None
    encoding: str
    etag: str | None
    content_type: str
    weak_etag: str = ""
    last_modified: str = ""


def facts_of(status: int, headers: Mapping[str, str], framing: Framing) -> Facts:
    """Read the facts from the headers of a response."""
    if status == PARTIAL:
        received = content_range(headers.get("Content-Range", ""))
        total = received[2] if received else None
    else:
        total = framing.length
    etag = headers.get("ETag", "").strip()
    etag = etag if etag.isprintable() else ""  # it is sent back in If-Range
    strong = etag.startswith('"')
    encoding = headers.get("Content-Encoding", "").strip().lower()
    return Facts(
        total=total,
        encoding="" if encoding == "identity" else encoding,
        etag=etag if strong else None,
        content_type=one_line(headers.get("Content-Type", ""), LONGEST_CONTENT_TYPE),
        weak_etag="" if strong else etag,
        last_modified=headers.get("Last-Modified", ""),
    )


def range_headers(wanted: ByteRange | None, known: Facts | None) -> dict[str, str]:
    """Return the headers of a request for the whole body, or for a range of a body with known facts."""
    headers = {"Accept-Encoding": ACCEPT_ENCODING}
    if wanted is not None:
        headers["Range"] = wanted.header()
        if known is not None and known.etag:
            headers["If-Range"] = known.etag
    return headers


class PartialBody(NamedTuple):
    """The position of a partial response in the whole body.

    :param skip: Number of its bytes before the wanted offset.
    :param stop: Its end in the whole body.
    """

    skip: int
    stop: int


def match_partial(
    headers: Mapping[str, str], wanted: int, known: Facts, new: Facts, *, hashed: bool
) -> PartialBody | None:
    """Return the position of a 206 in the body, None if it does not fit the request.

    A server may send more than was requested, or less. It must not send another body, or start after the wanted offset.

    :param wanted: Offset of the first wanted byte.
    :param hashed: Digests will show whether all bytes are of one body.
    """
    received = content_range(headers.get("Content-Range", ""))
    if not received:
        return None
    start, end, total = received
    same = (
        (known.total is None or known.total == total)
        and (known.etag is None or new.etag is None or known.etag == new.etag)
        and known.encoding == new.encoding
        and (hashed or _same_version(known, new))
    )
    return PartialBody(wanted - start, end + 1) if same and start <= wanted <= end < total else None


def _same_version(known: Facts, new: Facts) -> bool:
    """Return whether the headers of two responses show the same version of a body; False if they show nothing.

    A 206 has the ETag that a 200 would have, but may leave out other headers (RFC 9110, 15.3.7).
    """
    comparable = known.total is not None or known.etag or known.weak_etag or (known.last_modified and new.last_modified)
    return bool(
        comparable
        and (known.etag, known.weak_etag) == (new.etag, new.weak_etag)
        and _agree(known.last_modified, new.last_modified)
        and _agree(known.content_type, new.content_type)
    )


def _agree(one: str, other: str) -> bool:
    return not one or not other or one == other

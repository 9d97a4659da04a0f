"""Decides whether a body is fetched over one connection or several, and in which pieces. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_taskcluster.transfer.config import MIB
from airflow_provider_taskcluster.transfer.http.ranges import ByteRange

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_taskcluster.transfer.http.ranges import Facts

# Bytes of one range request. Each connection holds one such piece in memory, and some wait for the hashers.
SEGMENT = 4 * MIB
# Smaller bodies use one connection: the first request returns most of them.
SMALLEST_PARALLEL = 2 * SEGMENT
# Bytes a second of one connection above which more connections do not help: hashing is not faster. On two cores, 1 GiB
# from a local store took 1.95 s over one connection and 2.8 s over eight.
FAST_ENOUGH = 300_000_000
# Bytes of one request on a fast connection, before its speed is checked again.
STRETCH = 64 * MIB


def reasons_against_parallel(
    facts: Facts, *, connections: int, seekable: bool, ranges: bool, speed: float
) -> list[str]:
    """Return the reasons against parallel ranges; an empty list allows them.

    :param facts: Facts of the first response.
    :param connections: The caller's limit.
    :param seekable: Whether the sink takes bytes in any order.
    :param ranges: Whether the store honoured the first range.
    :param speed: Bytes a second of one connection, by the time spent waiting for it.
    """
    reasons = {
        "only one connection is allowed": connections < 2,  # noqa: PLR2004 (more than one)
        "the sink takes bytes in order only": not seekable,
        "the store does not honour ranges": not ranges,
        f"the body is encoded ({facts.encoding})": bool(facts.encoding),
        "its length is not known": facts.total is None,
        "one connection is fast enough": speed > FAST_ENOUGH,
        "it is small": facts.total is not None and facts.total < SMALLEST_PARALLEL,
    }
    return [reason for reason, holds in reasons.items() if holds]


def segments(start: int, total: int) -> Iterator[ByteRange]:
    """Yield the rest of a body as ranges, in order."""
    for offset in range(start, total, SEGMENT):
        yield ByteRange(offset, min(offset + SEGMENT, total))

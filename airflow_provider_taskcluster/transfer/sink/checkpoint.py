"""Checkpoints of partial files, from which a later process resumes a download.

A checkpoint says which bytes the file has, not how to get them: it never holds a URL or a credential.
"""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.transfer.http.ranges import Facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

VERSION = 1
# Share of the time of a transfer that its checkpoints may take.
MAX_TIME_SHARE = 0.1


@dataclass(frozen=True)
class Checkpoint:
    """The state of an incomplete download.

    :param key: Identifies the content: a digest of its name and the hashes that the service names.
    :param facts: Properties of the body. Only identity bodies of known length have checkpoints.
    :param offset: Number of bytes from the start that the partial file has.
    :param hashed: A hash will verify these bytes; else they must be on disk before the checkpoint is.
    :param boot: Boot id of the machine for which the checkpoint is valid; "" for all.
    """

    key: str
    facts: Facts
    offset: int
    hashed: bool = True
    boot: str = ""

    def to_json(self) -> str:
        """Return the checkpoint as JSON."""
        return json.dumps({"version": VERSION, **asdict(self)})


def from_json(text: str, key: str) -> Checkpoint | None:
    """Parse a checkpoint; None if it is malformed, of another version, or for another key."""
    try:
        data = json.loads(text)
        version = data["version"]
        checkpoint = Checkpoint(data["key"], Facts(**data["facts"]), data["offset"], boot=data.get("boot", ""))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    usable = (
        version == VERSION
        and checkpoint.key == key
        and isinstance(checkpoint.boot, str)
        and isinstance(checkpoint.facts.total, int)
        and isinstance(checkpoint.offset, int)
        and 0 < checkpoint.offset <= checkpoint.facts.total
    )
    return checkpoint if usable else None


def checkpoint_key(content: Mapping[str, Any], hashes: Mapping[str, str]) -> str:
    """Return the checkpoint key of a content: its identity and the hashes that the service names."""
    return hashlib.sha256(json.dumps([content, sorted(hashes.items())], sort_keys=True).encode()).hexdigest()


def is_resumable(facts: Facts, hashes: Mapping[str, str]) -> bool:
    """Return whether a hash or an ETag can distinguish the bytes on disk from those of another version."""
    return facts.total is not None and not facts.encoding and bool(hashes or facts.etag)


class Pace:
    """Spaces checkpoints out: the slower the disk, the rarer they are, since some wait for a sync."""

    def __init__(self) -> None:
        self._ended = time.monotonic()
        self._cost = 0.0

    def seconds(self) -> float:
        """Return the seconds since the last checkpoint, or since the beginning."""
        return time.monotonic() - self._ended

    def allows(self) -> bool:
        """Return whether another checkpoint keeps their cost below ``MAX_TIME_SHARE`` of the time."""
        return self.seconds() * MAX_TIME_SHARE >= self._cost

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Measure the time that a checkpoint takes."""
        started = time.monotonic()
        try:
            yield
        finally:
            self._ended = time.monotonic()
            self._cost = self._ended - started

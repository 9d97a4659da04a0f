"""What is written down beside a partial file, so that a later process can go on with it.

Never a URL or a credential: the record says which bytes these are, not how to get them.
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
# Part of the time of a transfer that its records may take.
MAX_TIME_SHARE = 0.1


@dataclass(frozen=True)
class Checkpoint:
    """A download that is not complete.

    :param key: Stands for what is downloaded: its name and the hashes that the service names.
    :param facts: What the store said of the body. Only identity bodies of known length are recorded.
    :param offset: So many bytes from the start are in the partial file.
    :param hashed: A hash will tell whether they are good; else they have to be on disk before the record is.
    :param boot: Only while this boot of the machine lasts are they known to be there; "" for ever.
    """

    key: str
    facts: Facts
    offset: int
    hashed: bool = True
    boot: str = ""

    def to_json(self) -> str:
        """Write it."""
        return json.dumps({"version": VERSION, **asdict(self)})


def from_json(text: str, key: str) -> Checkpoint | None:
    """Read a record; None if it is broken, of another version, or of something else than ``key``."""
    try:
        data = json.loads(text)
        version = data["version"]
        record = Checkpoint(data["key"], Facts(**data["facts"]), data["offset"], boot=data.get("boot", ""))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    usable = (
        version == VERSION
        and record.key == key
        and isinstance(record.boot, str)
        and isinstance(record.facts.total, int)
        and isinstance(record.offset, int)
        and 0 < record.offset <= record.facts.total
    )
    return record if usable else None


def checkpoint_key(what: Mapping[str, Any], hashes: Mapping[str, str]) -> str:
    """Return the key of a thing with these hashes."""
    return hashlib.sha256(json.dumps([what, sorted(hashes.items())], sort_keys=True).encode()).hexdigest()


def resumable(facts: Facts, hashes: Mapping[str, str]) -> bool:
    """Tell whether bytes on disk can be told from those of another version: by a hash, or by the store's ETag."""
    return facts.total is not None and not facts.encoding and bool(hashes or facts.etag)


class Pace:
    """Spaces records out: the slower the disk, the rarer they are, since some wait for it."""

    def __init__(self) -> None:
        self._ended = time.monotonic()
        self._cost = 0.0

    def seconds(self) -> float:
        """Return how long ago the last record was, or the beginning."""
        return time.monotonic() - self._ended

    def allows(self) -> bool:
        """Whether another record keeps all of them together below ``MAX_TIME_SHARE`` of the time."""
        return self.seconds() * MAX_TIME_SHARE >= self._cost

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Write a record inside this."""
        started = time.monotonic()
        try:
            yield
        finally:
            self._ended = time.monotonic()
            self._cost = self._ended - started

"""Settings of a command worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# livelog keeps 200 pieces of 4 KiB for each reader.
STREAM_BACKLOG = 200 * 4096


@dataclass(frozen=True)
class WorkerSettings:
    """Settings of a command worker; the defaults are those of the real one, where it has them.

    ``reclaim_seconds`` is the time between two reclaims (None: 3 minutes less than the claim lasts). A cancelled
    task is noticed by the next reclaim. ``capacity`` is how many tasks run at once. ``storage_type`` is that of the
    artifacts and of the backing log; in "s3" they are stored gzip-encoded. A reader of the live log that is more
    than ``stream_backlog`` bytes behind is dropped. At the end of the stream readers have ``stream_grace_seconds``
    to receive the rest (0: they lose it, as it happens with the real worker).
    """

    worker_group: str = "emulator"
    worker_id: str = "command-worker"
    reclaim_seconds: float | None = None
    capacity: int = 1
    storage_type: Literal["object", "s3"] = "object"
    stream_backlog: int = STREAM_BACKLOG
    stream_grace_seconds: float = 1.0

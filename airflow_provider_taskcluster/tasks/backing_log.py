"""The log of a run that has ended, as a stream of bytes from the store."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.transfer.config import KIB
from airflow_provider_taskcluster.transfer.payload.chunks import Chunks

if TYPE_CHECKING:
    from collections.abc import Generator

    from airflow_provider_taskcluster.transfer.download.artifact import ArtifactDownloader
    from airflow_provider_taskcluster.transfer.sink.base import Sink

# Bytes of a block, and of a buffer of the engine: together some MiB, whatever the size of the log.
BLOCK = 128 * KIB


@dataclass(frozen=True)
class BackingLog:
    """Downloads the log of one run, decoded and in order. What a failed request received is kept for the next one."""

    artifacts: ArtifactDownloader
    task_id: str
    run_id: int

    def blocks(self, name: str) -> Generator[bytes, None, None]:
        """Yield the bytes of an artifact. The store waits while the caller does.

        :raises NotFound: There is no such artifact, or not yet.
        :raises NotStoredYet: It is announced, but its bytes are not stored.
        """
        config = replace(self.artifacts.config, buffer_size=BLOCK, connections=1, progress_seconds=math.inf)
        artifacts = replace(self.artifacts, config=config)

        def fetch(sink: Sink) -> None:
            artifacts.download(self.task_id, name, self.run_id, sink)

        return iter(Chunks(name, BLOCK, fetch))

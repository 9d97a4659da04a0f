"""The live stream of a log, read by a thread of its own into a bounded buffer.

A livelog drops readers that are far behind. So the thread reads as fast as the log comes, however slow the log handler
is; when the buffer is full, it stops until there is room, and if it is dropped then, the rest is in the backing log.
"""

from __future__ import annotations

import time
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common.http.encoding import decoder_for
from airflow_provider_taskcluster.common.redaction import secret_paths
from airflow_provider_taskcluster.common.worker import Worker
from airflow_provider_taskcluster.exceptions import Interrupted, StoreError, TaskclusterError
from airflow_provider_taskcluster.transfer.config import KIB, MIB
from airflow_provider_taskcluster.transfer.http.client import StoreClient

if TYPE_CHECKING:
    from airflow_provider_taskcluster.common.network import Network

# Bytes that are buffered, at most; and those that each block costs beside its content.
BUFFERED = 4 * MIB
_OVERHEAD = 128
BLOCK = 64 * KIB
CLEAN_END = "it ended"
# Seconds of silence that the socket allows. A task may be silent for as long as it runs; its status tells its end.
_SILENCE = 14 * 24 * 3600.0
# Seconds between two looks for room in the full buffer, and to wait for the thread's end.
_PAUSE, _GRACE = 0.02, 5.0


class LiveStream:
    """Reads the log behind a URL, always from its first byte.

    :param url: A capability: it never shows in a log or an error.
    """

    def __init__(self, url: str, network: Network) -> None:
        self.url = url
        self.was_full = False
        self.ending = ""
        self.answered = False
        self._until = time.monotonic() + network.connect_timeout + network.read_timeout
        self._client = StoreClient(replace(network, read_timeout=_SILENCE))
        self._blocks: SimpleQueue[bytes | None] = SimpleQueue()
        self._put = self._taken = 0  # each is written by one thread only
        self._closed = False
        self._worker = Worker("taskcluster-live-log", self._read)
        self._worker.start()

    def next_block(self, timeout: float) -> bytes | None:
        """Return the next bytes; b"" if there are none within the time; None at the end, which ``ending`` describes.

        :param timeout: Seconds.
        """
        try:
            block = self._blocks.get(timeout=timeout)
        except Empty:
            return None if self._unanswered() else b""
        if block is not None:
            self._taken += len(block) + _OVERHEAD
        return block

    def close(self) -> None:
        """End the thread and close the connection."""
        self._closed = True
        self._client.stop()
        self._worker.wait(_GRACE)
        self._client.close()

    def _unanswered(self) -> bool:
        if self.answered or time.monotonic() < self._until:
            return False
        self.ending = "there was no answer in time"
        return True

    def _read(self) -> None:
        try:
            with secret_paths(), self._client.get(self.url, {"Accept-Encoding": "identity"}) as response:
                self.answered = True
                decoder = decoder_for(response.facts.encoding, BLOCK)
                buffer = memoryview(bytearray(BLOCK))
                while count := response.read_available(buffer):
                    for piece in decoder.decode(buffer[:count]):
                        self._offer(bytes(piece))
            self.ending = CLEAN_END
        except StoreError as error:  # messages of errors show the URL
            self.ending = f"the host answered {error.status:d}"
        except TaskclusterError:
            self.ending = "it broke off" if self.answered else "the host cannot be reached"
        except Exception as error:  # noqa: BLE001 (of a thread: nobody else would report it, and it may show the URL)
            self.ending = f"reading it failed ({type(error).__name__})"
        finally:
            self._blocks.put(None)

    def _offer(self, block: bytes) -> None:
        while self._put - self._taken > BUFFERED - BLOCK:
            self.was_full = True
            if self._closed:
                raise Interrupted
            time.sleep(_PAUSE)
        self._put += len(block) + _OVERHEAD
        self._blocks.put(block)

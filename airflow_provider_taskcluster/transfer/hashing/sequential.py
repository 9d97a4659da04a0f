"""Verifies content that is read piece by piece: bytes that come in order from the start are hashed on the way."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.transfer.hashing.digests import Hashers, algorithms_to_compute, verify_digests
from airflow_provider_taskcluster.transfer.hashing.pipeline import Hashing
from airflow_provider_taskcluster.transfer.threads.buffers import Block, BufferPool, Failure

if TYPE_CHECKING:
    from collections.abc import Mapping

# Most pieces that wait for the hashers.
QUEUE_LENGTH = 2


class SequentialHash:
    """Hashes the pieces of one content. A gap pauses the hashing until it is filled; repeated bytes are skipped.

    :param name: Name of the object or artifact, for errors.
    :param hashes: Digests that the service names.
    :param size: Size of the content in bytes.
    """

    def __init__(self, name: str, hashes: Mapping[str, str], size: int) -> None:
        self._name = name
        self._hashes = hashes
        self._size = size
        self._seen = 0
        self._mismatch = False
        self._verified = "none"
        self._process = os.getpid()
        failure = Failure()
        self._pool = BufferPool(QUEUE_LENGTH, 0, failure)
        self._hashing = Hashing([Hashers([name]) for name in algorithms_to_compute(hashes)], failure)
        self._verify_if_complete()

    def take(self, start: int, data: bytes) -> None:
        """Hash the bytes read at offset ``start``.

        :raises HashMismatch: The content is complete and differs from the digests of the service; raised by every
            later call, too.
        """
        if self._mismatch:
            self._verify()
        if self._in_own_process() and start <= self._seen < start + len(data):
            fresh = memoryview(data)[self._seen - start :]
            self._hashing.feed(Block(fresh, self._pool.take(), self._pool))
            self._seen += len(fresh)
            self._verify_if_complete()

    @property
    def verified(self) -> str:
        """What the content was verified by; ``none`` until all of it was read in order."""
        return self._verified

    def close(self) -> None:
        """End the hashing."""
        if self._in_own_process():
            self._hashing.stop()

    def _in_own_process(self) -> bool:
        """Return whether this process started the hashing: a forked child does not have its threads."""
        return self._process == os.getpid()

    def _verify_if_complete(self) -> None:
        if self._seen == self._size:
            self._mismatch = True  # until it is verified
            self._verify()
            self._mismatch = False

    def _verify(self) -> None:
        self._verified = verify_digests(self._name, self._hashes, self._hashing.digests()) or "length"

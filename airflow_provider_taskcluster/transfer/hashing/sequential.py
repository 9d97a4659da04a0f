"""Verifies content that others read piece by piece: what comes in order from the beginning is hashed on the way."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.transfer.hashing.digests import Hashers, algorithms_to_compute, verify_digests
from airflow_provider_taskcluster.transfer.hashing.pipeline import Hashing
from airflow_provider_taskcluster.transfer.threads.buffers import Block, BufferPool, Failure

if TYPE_CHECKING:
    from collections.abc import Mapping

# Pieces that may wait for the hashers.
QUEUE_LENGTH = 2


class SequentialHash:
    """Sees what is read of one content. A gap ends the hashing until it is filled; what is read again is let pass.

    :param name: Of the object or artifact, for errors.
    :param hashes: Digests that the service names.
    :param size: Bytes of the content.
    """

    def __init__(self, name: str, hashes: Mapping[str, str], size: int) -> None:
        self._name = name
        self._hashes = hashes
        self._size = size
        self._seen = 0
        self._wrong = False
        self._verified = "none"
        self._process = os.getpid()
        failure = Failure()
        self._pool = BufferPool(QUEUE_LENGTH, 0, failure)
        self._hashing = Hashing([Hashers([name]) for name in algorithms_to_compute(hashes)], failure)
        self._verify_if_complete()

    def take(self, start: int, data: bytes) -> None:
        """See what was read from ``start`` on.

        :raises HashMismatch: It was the last of all, and they are not what the service knows; from then on always.
        """
        if self._wrong:
            self._verify()
        if self._ours() and start <= self._seen < start + len(data):
            fresh = memoryview(data)[self._seen - start :]
            self._hashing.feed(Block(fresh, self._pool.take(), self._pool))
            self._seen += len(fresh)
            self._verify_if_complete()

    @property
    def verified(self) -> str:
        """By what all of it was verified; ``none`` until it was read in order."""
        return self._verified

    def close(self) -> None:
        """End the hashing."""
        if self._ours():
            self._hashing.stop()

    def _ours(self) -> bool:
        """Tell whether this is the process that hashes: a child that was forked does not have its threads."""
        return self._process == os.getpid()

    def _verify_if_complete(self) -> None:
        if self._seen == self._size:
            self._wrong = True  # unless it is right
            self._verify()
            self._wrong = False

    def _verify(self) -> None:
        self._verified = verify_digests(self._name, self._hashes, self._hashing.digests()) or "length"

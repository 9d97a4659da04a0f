"""Writes at any offset of a file, and bypasses the page cache where new pages are expensive.

On a virtual machine that returns free memory to its host, each new page costs a fault in the host: writing 1 GiB took
2.4 to 3 s of system time there, and 0.4 s when its pages were written out and dropped at once (``RWF_DONTCACHE``, Linux
6.14 on ext4, XFS and others). Elsewhere pages are cheap (0.25 s for 1 GiB), and the next reader of the file needs them.
"""

from __future__ import annotations

import errno
import os
import sys
import time

from airflow_provider_taskcluster.transfer.config import GIB, MIB
from airflow_provider_taskcluster.transfer.sink.durable import start_writeback

# RWF_DONTCACHE of linux/fs.h; the standard library does not name it.
UNCACHED = 0x80
# CPU seconds for each byte above which pages count as expensive.
COSTLY_SECONDS = 0.8 / GIB
# Bytes between two measurements of that cost.
SAMPLE_SIZE = 16 * MIB
# Bytes between two requests for write-back, which keep the sync at the end short.
WRITEBACK_SIZE = 8 * MIB


class FileWriter:
    """Writes to one open file. Several threads may use it.

    :param file: Descriptor of the file; the caller closes it.
    :param early: Start the write-back to disk early.
    """

    def __init__(self, file: int, *, early: bool = False) -> None:
        self._file = file
        self._early = early
        self._waiting = 0
        self._flags = 0
        self._sampling = sys.platform == "linux"
        self._written = 0
        self._seconds = 0.0

    def write_at(self, offset: int, data: bytes | memoryview) -> None:
        """Write all bytes at an offset.

        :raises OSError: They cannot be written.
        """
        left = memoryview(data)
        started = time.thread_time()
        while left:
            written = self._write(left, offset)
            left, offset = left[written:], offset + written
        if self._sampling:
            self._sample(len(data), time.thread_time() - started)
        if self._early and not self._flags:  # uncached writes are on their way to the disk
            self._waiting += len(data)
            if self._waiting >= WRITEBACK_SIZE:
                self._waiting = 0
                start_writeback(self._file)

    def _write(self, data: memoryview, offset: int) -> int:
        if not self._flags:
            return os.pwrite(self._file, data, offset)
        try:
            return os.pwritev(self._file, [data], offset, self._flags)
        except OSError as error:
            if error.errno not in {errno.EOPNOTSUPP, errno.EINVAL}:
                raise
            self._flags = 0  # this file system or kernel does not support it
            return os.pwrite(self._file, data, offset)

    def _sample(self, count: int, seconds: float) -> None:
        """Measure the cost of pages, until they turn out to be expensive."""
        self._written += count
        self._seconds += seconds
        if self._written >= SAMPLE_SIZE:
            if self._seconds > COSTLY_SECONDS * self._written:
                self._flags, self._sampling = UNCACHED, False
            self._written, self._seconds = 0, 0.0

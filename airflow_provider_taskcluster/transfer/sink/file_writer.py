"""Writes at any place of a file, past the page cache where a page of it is dear to get.

On a virtual machine that gives free memory back to its host, each new page costs a fault in the host: 1 GiB took 2.4 to
3 s of system time there, and 0.4 s when its pages were written out and let go at once (``RWF_DONTCACHE``, Linux 6.14 on
ext4, XFS and others). Elsewhere a page is cheap (0.25 s), and a file in the cache is what its next reader wants.
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
# Seconds of processor time for a byte beyond which pages are dear.
COSTLY_SECONDS = 0.8 / GIB
# Bytes after which that is looked at, again and again.
SAMPLE_SIZE = 16 * MIB
# Bytes after which the kernel is told to write out what is there, for a sync at the end that is short.
WRITEBACK_SIZE = 8 * MIB


class FileWriter:
    """Writes to one open file. Several threads may use it.

    :param file: Its descriptor, which is the caller's to close.
    :param early: The kernel begins early to write it out to the disk.
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
        """Write all of it.

        :raises OSError: It cannot be written.
        """
        left = memoryview(data)
        started = time.thread_time()
        while left:
            taken = self._write(left, offset)
            left, offset = left[taken:], offset + taken
        if self._sampling:
            self._sample(len(data), time.thread_time() - started)
        if self._early and not self._flags:  # what goes past the cache is on its way to the disk
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
            self._flags = 0  # this file system or kernel does not know it
            return os.pwrite(self._file, data, offset)

    def _sample(self, count: int, seconds: float) -> None:
        """Find out what pages cost, until they turn out to be dear."""
        self._written += count
        self._seconds += seconds
        if self._written >= SAMPLE_SIZE:
            if self._seconds > COSTLY_SECONDS * self._written:
                self._flags, self._sampling = UNCACHED, False
            self._written, self._seconds = 0, 0.0

"""A fixed number of buffers, shared by the threads that receive and the threads that hash.

They bound the memory of a transfer. A thread that waits for a buffer is woken when the transfer fails in any thread, so
that it never waits for a thread that has ended.
"""

from __future__ import annotations

import threading


class Failure:
    """The first error of a transfer, shared by all of its threads.

    Take the lock itself, not the condition: a signal inside ``Condition.__enter__`` would leave it locked.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.error: BaseException | None = None

    def set(self, error: BaseException) -> None:
        """Fail the transfer for all threads; the first error is kept."""
        with self.lock:
            self.error = self.error or error
            self.changed.notify_all()

    def check(self) -> None:
        """Raise the error, if there is one."""
        if self.error:
            raise self.error


class BufferPool:
    """Buffers of one size, allocated when they are first needed.

    :param count: Largest number of buffers.
    :param size: Bytes of each; 0 where they only limit the number of blocks under way.
    """

    def __init__(self, count: int, size: int, failure: Failure) -> None:
        self._size = size
        self._left = count
        self._free: list[memoryview] = []
        self._closed = False
        self._failure = failure

    def take(self) -> memoryview:
        """Wait for a free buffer.

        :raises BaseException: The error of the transfer.
        """
        with self._failure.lock:
            self._failure.changed.wait_for(lambda: self._failure.error or self._free or self._left)
            self._failure.check()
            if self._free:
                return self._free.pop()
            self._left -= 1
        return memoryview(bytearray(self._size))

    def close(self) -> None:
        """Free the memory, of buffers in use when they are given back.

        The owner of the pool may be in a reference cycle, and be collected late.
        """
        with self._failure.lock:
            self._closed = True
            self._free.clear()

    def give_back(self, buffer: memoryview) -> None:
        """Return a buffer for reuse."""
        with self._failure.lock:
            if not self._closed:
                self._free.append(buffer)
            self._failure.changed.notify_all()


class Block:
    """Bytes in a buffer that is given back when all users are done with them.

    :param data: The bytes, in ``buffer`` or in memory of their own.
    :param buffer: The buffer to give back; a decoded piece holds one only to be counted.
    """

    def __init__(self, data: bytes | memoryview, buffer: memoryview, pool: BufferPool) -> None:
        self.data = data
        self._buffer = buffer
        self._pool = pool
        self._users = 1
        self._lock = threading.Lock()

    def shared_by(self, users: int) -> None:
        """Set how many users will call ``done``."""
        self._users = users

    def done(self) -> None:
        """Release the bytes for one user."""
        with self._lock:
            self._users -= 1
            last = self._users <= 0
        if last:
            self._pool.give_back(self._buffer)

"""A fixed number of buffers that go around between those who receive and those who hash.

They bound the memory of a transfer. Who waits for one learns when the transfer has failed, whoever met the failure:
nobody waits for a thread that is dead.
"""

from __future__ import annotations

import threading


class Failure:
    """The first error that any thread of a transfer met.

    Its lock is taken itself, not by the condition: a signal that comes in the middle of that would leave it locked.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.error: BaseException | None = None

    def set(self, error: BaseException) -> None:
        """End the transfer for everybody; the first error counts."""
        with self.lock:
            self.error = self.error or error
            self.changed.notify_all()

    def check(self) -> None:
        """Raise the error, if there is one."""
        if self.error:
            raise self.error


class BufferPool:
    """Buffers of one size, made as they are needed.

    :param count: How many there are at most.
    :param size: Bytes of each; 0 where they only count what is under way.
    """

    def __init__(self, count: int, size: int, failure: Failure) -> None:
        self._size = size
        self._left = count
        self._free: list[memoryview] = []
        self._closed = False
        self._failure = failure

    def take(self) -> memoryview:
        """Wait for a free buffer.

        :raises BaseException: The failure of the transfer.
        """
        with self._failure.lock:
            self._failure.changed.wait_for(lambda: self._failure.error or self._free or self._left)
            self._failure.check()
            if self._free:
                return self._free.pop()
            self._left -= 1
        return memoryview(bytearray(self._size))

    def close(self) -> None:
        """Let the memory go as it comes back: what holds the pool may be in a cycle, and wait long to be collected."""
        with self._failure.lock:
            self._closed = True
            self._free.clear()

    def give_back(self, buffer: memoryview) -> None:
        """Let it be used again."""
        with self._failure.lock:
            if not self._closed:
                self._free.append(buffer)
            self._failure.changed.notify_all()


class Block:
    """Bytes on their way, in a buffer that is given back when everybody is done with them.

    :param data: The bytes, in ``buffer`` or of their own.
    :param buffer: What to give back; a decoded piece holds one only to be counted.
    """

    def __init__(self, data: bytes | memoryview, buffer: memoryview, pool: BufferPool) -> None:
        self.data = data
        self._buffer = buffer
        self._pool = pool
        self._users = 1
        self._lock = threading.Lock()

    def shared_by(self, users: int) -> None:
        """Say how many will call ``done``."""
        self._users = users

    def done(self) -> None:
        """Be done with the bytes."""
        with self._lock:
            self._users -= 1
            last = self._users <= 0
        if last:
            self._pool.give_back(self._buffer)

"""The end of a log, in bounded memory. Pure."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class LogTail:
    """Keeps the last bytes of a log.

    :param most: How many, at most.
    """

    def __init__(self, most: int) -> None:
        self.left_out = 0
        self._most = most
        self._begins_within_a_line = False
        self._size = 0
        self._blocks: deque[bytes] = deque()

    def add(self, block: bytes) -> None:
        """Add bytes at the end, and drop those at the beginning that are too many."""
        self._blocks.append(block)
        self._size += len(block)
        while (surplus := self._size - self._most) > 0:
            first = self._blocks.popleft()
            if len(first) > surplus:
                self._blocks.appendleft(first[surplus:])
            dropped = min(surplus, len(first))
            self._begins_within_a_line = first[dropped - 1 : dropped] != b"\n"
            self._size -= dropped
            self.left_out += dropped

    def begin_with_a_line(self) -> None:
        """Drop the rest of a line whose beginning was dropped, unless it is the only one."""
        if not self._begins_within_a_line:
            return
        before = 0
        for position, block in enumerate(self._blocks):
            end = block.find(b"\n") + 1
            if end:
                dropped = before + end
                for _ in range(position):
                    self._blocks.popleft()
                self._blocks[0] = block[end:]
                self._size -= dropped
                self.left_out += dropped
                return
            before += len(block)

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes that are kept."""
        return iter(self._blocks)

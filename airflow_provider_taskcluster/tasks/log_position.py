"""How much of a log was passed on, so that another source can continue from there. Pure."""

from __future__ import annotations

import hashlib


class LogPosition:
    """Number and sha256 of the bytes of a log that were passed on."""

    def __init__(self) -> None:
        self.count = 0
        self._hash = hashlib.sha256()

    def advance(self, data: bytes) -> None:
        """Count bytes that are passed on."""
        self.count += len(data)
        self._hash.update(data)

    def digest(self) -> bytes:
        """Return the sha256 of the bytes."""
        return self._hash.digest()


class PrefixDiffers(Exception):
    """A source does not begin with the bytes that were passed on from another one."""


class Continuation:
    """Skips the beginning of a source that was passed on before, and compares it.

    :param position: What was passed on when the source is opened.
    """

    def __init__(self, position: LogPosition) -> None:
        self._left = position.count
        self._expected = position.digest()
        self._hash = hashlib.sha256()

    def rest_of(self, data: bytes) -> bytes:
        """Return the bytes that were not passed on before.

        :raises PrefixDiffers: The beginning is another one.
        """
        if not self._left:
            return data
        known, rest = data[: self._left], data[self._left :]
        self._hash.update(known)
        self._left -= len(known)
        if not self._left and self._hash.digest() != self._expected:
            raise PrefixDiffers
        return rest

    def check_end(self) -> None:
        """Check that the source was not shorter than what was passed on.

        :raises PrefixDiffers: It was.
        """
        if self._left:
            raise PrefixDiffers

"""Renews grants that expire: a URL is valid for one minute (getUrl) or 45 minutes (putUrl)."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable


class Expiring(Protocol):
    """Anything that expires."""

    @property
    def expires(self) -> datetime | None:
        """When it expires, None if that is not known."""


G = TypeVar("G", bound=Expiring)


class Renewable(Generic[G]):
    """A grant that is renewed when needed. Many threads may share it: one renews, the others wait.

    :param renew: Requests a new grant from the service.
    :param first: The grant to start with, if there is one.
    """

    def __init__(self, renew: Callable[[], G], first: G | None = None) -> None:
        self._renew = renew
        self._grant = first
        self._refused_before = False
        self._lock = threading.Lock()
        self._failed: list[Exception] = []

    def current(self) -> G:
        """Return a grant that has not expired.

        :raises Exception: Renewing it failed, here or in another thread that this one waited for.
        """
        failures = len(self._failed)
        with self._lock:
            if self._grant is None or _has_expired(self._grant):
                if len(self._failed) > failures:
                    raise self._failed[-1]
                try:
                    self._grant = self._renew()
                except Exception as error:
                    self._failed.append(error)
                    raise
            return self._grant

    def accepted(self) -> None:
        """Record that the store accepted the grant."""
        self._refused_before = False

    def refused(self, grant: G) -> bool:
        """Record that the store refused a grant (401, 403, ExpiredToken); return whether a new grant may help.

        A new grant is tried once: if that is refused as well, age was not the reason.
        """
        with self._lock:
            if grant is not self._grant:  # another thread has renewed it already
                return True
            if self._refused_before:
                return False
            self._refused_before, self._grant = True, None
            return True


def _has_expired(grant: Expiring) -> bool:
    return grant.expires is not None and grant.expires <= datetime.now(UTC)

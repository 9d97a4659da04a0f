"""Grants run out: a URL holds for a minute (getUrl) or 45 (putUrl). Renewed here, in one place."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable


class Expiring(Protocol):
    """Anything with an end."""

    @property
    def expires(self) -> datetime | None:
        """When it ends, None if that is not known."""


G = TypeVar("G", bound=Expiring)


class Renewable(Generic[G]):
    """A grant, and how to get another. Many threads may use it: one renews, the others wait for that.

    :param renew: Asks the service for a new one.
    :param first: The one that is there already, if any.
    """

    def __init__(self, renew: Callable[[], G], first: G | None = None) -> None:
        self._renew = renew
        self._grant = first
        self._renewed_in_vain = False
        self._lock = threading.Lock()
        self._failed: list[Exception] = []

    def current(self) -> G:
        """Return a grant that has not run out.

        :raises Exception: There is none, as the service told us, or another thread that we waited for.
        """
        failures = len(self._failed)
        with self._lock:
            if self._grant is None or _over(self._grant):
                if len(self._failed) > failures:
                    raise self._failed[-1]
                try:
                    self._grant = self._renew()
                except Exception as error:
                    self._failed.append(error)
                    raise
            return self._grant

    def accepted(self) -> None:
        """Tell that the store took the grant."""
        self._renewed_in_vain = False

    def refused(self, grant: G) -> bool:
        """Tell that the store refused it (401, 403, ExpiredToken); return whether another grant is worth a try.

        It is once: if a new one is refused as well, age was not the reason.
        """
        with self._lock:
            if grant is not self._grant:  # somebody else was here first
                return True
            if self._renewed_in_vain:
                return False
            self._renewed_in_vain, self._grant = True, None
            return True


def _over(grant: Expiring) -> bool:
    return grant.expires is not None and grant.expires <= datetime.now(UTC)

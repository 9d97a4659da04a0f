"""Grants run out: a URL holds for a minute (getUrl) or 45 (putUrl). Renewed here, in one place."""

from __future__ import annotations

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
    """A grant, and how to get another.

    :param renew: Asks the service for a new one.
    :param first: The one that is there already, if any.
    """

    def __init__(self, renew: Callable[[], G], first: G | None = None) -> None:
        self._renew = renew
        self._grant = first
        self._refused = False

    def current(self) -> G:
        """Return a grant that has not run out."""
        if self._grant is None or _over(self._grant):
            self._grant = self._renew()
        return self._grant

    def refused(self) -> bool:
        """Tell that the store answered 401 or 403; return whether it is worth trying a new grant.

        Once: if a new one is refused as well, its age was not the reason.
        """
        first_time, self._refused, self._grant = not self._refused, True, None
        return first_time


def _over(grant: Expiring) -> bool:
    return grant.expires is not None and grant.expires <= datetime.now(UTC)

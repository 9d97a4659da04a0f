"""How long a wait tolerates a 401 (authentication failed). Pure.

When credentials are rotated, the service may know the new ones before Airflow does: secrets backends cache what they
read, and the connection may be changed a little later.
"""

from __future__ import annotations

# Seconds after which a 401 is final.
GRACE_SECONDS = 300.0


class GracePeriod:
    """Grace period for 401s, counted from the first one after an accepted call."""

    def __init__(self) -> None:
        self._refused_since: float | None = None

    def accepted(self) -> None:
        """Record that the credentials were accepted."""
        self._refused_since = None

    def covers(self, now: float) -> bool:
        """Record a 401, and tell whether it may still pass.

        :param now: Seconds, of any clock.
        """
        if self._refused_since is None:
            self._refused_since = now
        return now - self._refused_since < GRACE_SECONDS

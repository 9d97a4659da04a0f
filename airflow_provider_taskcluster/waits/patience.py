"""How long a wait takes a 401 for one that may pass. Pure.

When credentials are rotated, the service may know the new ones before Airflow does: secrets backends cache what they
read, and whoever changes the connection does so a moment later.
"""

from __future__ import annotations

# Seconds after which a 401 is final.
PATIENCE = 300.0


class Patience:
    """Counts from the first refusal after an answer."""

    def __init__(self) -> None:
        self._refused_since: float | None = None

    def accepted(self) -> None:
        """Take note that the credentials were accepted."""
        self._refused_since = None

    def lasts(self, now: float) -> bool:
        """Take note of a refusal, at a time of any clock in seconds; tell whether it may pass."""
        if self._refused_since is None:
            self._refused_since = now
        return now - self._refused_since < PATIENCE

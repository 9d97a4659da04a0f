"""Counts of requests and errors, for summaries. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Traffic:
    """Counts since the last summary; several clients may share one.

    :param requests: Requests sent.
    :param errors: Requests that ended with an error.
    """

    requests: int = 0
    errors: int = 0

    def take(self) -> Traffic:
        """Return the counts, and reset them."""
        counts = Traffic(self.requests, self.errors)
        self.requests = self.errors = 0
        return counts

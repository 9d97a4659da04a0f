"""How many requests were sent, for summaries. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Traffic:
    """Counts since the last summary; clients may share one.

    :param requests: Requests that were sent.
    :param errors: Answers, and silences, that were errors to the one who asked.
    """

    requests: int = 0
    errors: int = 0

    def taken(self) -> Traffic:
        """Return the counts, and begin anew."""
        counts = Traffic(self.requests, self.errors)
        self.requests = self.errors = 0
        return counts

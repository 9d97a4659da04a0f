"""What an answer of a Taskcluster API may be. Pure."""

from __future__ import annotations

# Taskcluster's APIs never redirect a call.
FIRST_ERROR = 300


class TooLargeError(Exception):
    """An answer larger than any of Taskcluster's."""

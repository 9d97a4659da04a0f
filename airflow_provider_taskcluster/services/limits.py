"""Limits on responses of Taskcluster's APIs. Pure."""

from __future__ import annotations

# Statuses from here on are errors: Taskcluster's APIs never redirect a call.
FIRST_ERROR = 300


class TooLargeError(Exception):
    """A response exceeds the limit on its size."""

"""States of a task and of its runs (``queue/v1/task-status.json``). Pure."""

from __future__ import annotations

RESOLVED = ("completed", "failed", "exception")
STATES = ("unscheduled", "pending", "running", *RESOLVED)

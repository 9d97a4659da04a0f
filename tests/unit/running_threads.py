"""Lists running threads."""

from __future__ import annotations

import threading


def running(name):
    """Threads of that name that run: one whose start a signal interrupted stays listed, though it never begins."""
    return [thread for thread in threading.enumerate() if thread.is_alive() and thread.name == name]

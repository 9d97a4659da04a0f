"""How a run of the command worker ends. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class End:
    """The end of a run.

    :param state: "completed", "failed" or "exception".
    :param reason: The reason of an exception, as the queue names it.
    :param message: Lines for the log.
    """

    state: str
    reason: str = ""
    message: str = ""


COMPLETED = End("completed")
MAX_RUN_TIME = End("failed", message="Aborting task - max run time exceeded!")
SHUTDOWN = End("exception", "worker-shutdown", "Aborting task - the worker shuts down")
# The queue has resolved the run, so the worker does not.
LOST = End("exception", message="Aborting task - the run is resolved: it was cancelled, or its claim or task timed out")

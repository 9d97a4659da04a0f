"""Shows the log of a Taskcluster task in the log of the Airflow task."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common.messages import log_line, visible
from airflow_provider_taskcluster.exceptions import Interrupted, TaskclusterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
    from airflow_provider_taskcluster.services.schemas import TaskStatus

log = logging.getLogger(__name__)

# Lines of the log that are shown at least of a run that did not complete.
LEAST_AFTER_FAILURE = 50
# Bytes of the log that are shown at most where all lines are asked for.
LARGEST_SHOWN_LOG = 10 * 1024 * 1024


@dataclass(frozen=True)
class TaskOutput:
    """The log of one task. What cannot be read is a warning: the task itself may be well."""

    hook: TaskclusterHook
    task_id: str

    def follow(self, on_status: Callable[[TaskStatus], None], interval: float) -> None:
        """Show the log while it grows, to its end.

        :param on_status: Called with each status; what it raises ends this.
        :param interval: Seconds between two looks at the status.
        """
        self._show(self.hook.task_log(self.task_id, interval=interval, on_status=on_status))

    def tail(self, run_id: int, lines: int | None) -> None:
        """Show the last lines of the log of a run.

        :param lines: How many; None for all, as far as they have at most 10 MiB.
        """
        log.info("The log of task %r, run %r:", self.task_id, run_id)
        try:
            self._show(self.hook.task_log(self.task_id, run_id, follow=False, tail=lines, max_bytes=LARGEST_SHOWN_LOG))
        except Interrupted:
            raise
        except TaskclusterError as error:
            log.warning("The log of task %r cannot be shown: %s", self.task_id, visible(error))

    def _show(self, lines: Iterable[str]) -> None:
        for line in lines:
            log.info("%s", log_line(line))

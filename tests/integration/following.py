"""Follows the log of a task in a thread, so that a test can let things happen meanwhile."""

from __future__ import annotations

import threading
import time

from airflow_provider_taskcluster.tasks.log_names import BACKING_LOG, LIVE_LOG

SOON = 20.0


def until(condition, seconds=SOON):
    """Wait for a condition; fail if it does not come."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


class Following:
    """The lines of ``hook.task_log``, as they come.

    :param sink: Takes each line, as a log handler does.
    """

    def __init__(self, hook, task_id, *, sink=lambda _: None, **options):
        self.lines, self.error = [], None
        self._sink = sink
        self._iterator = hook.task_log(task_id, **{"interval": 0.1, **options})
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self):
        try:
            for line in self._iterator:
                self.lines.append(line)
                self._sink(line)
        except BaseException as error:  # noqa: BLE001 (the test looks at it)
            self.error = error

    def saw(self, line):
        """Wait for a line."""
        until(lambda: line in self.lines or not self._thread.is_alive())
        assert line in self.lines, (self.lines[-20:], self.error)

    def ended(self, seconds=SOON):
        """Wait for the end, and return all lines."""
        self._thread.join(seconds)
        assert not self._thread.is_alive(), self.lines[-20:]
        if self.error:
            raise self.error
        return self.lines


def publish(run, log, *, storage_type="s3", gzipped=True, link=True, name=BACKING_LOG):
    """Publish the backing log as a worker does, the link first."""
    if link:
        run.add_link(LIVE_LOG, name)
    options = {"gzipped": gzipped} if storage_type == "s3" else {}
    run.add(name, log, storage_type=storage_type, content_type="text/plain; charset=utf-8", **options)

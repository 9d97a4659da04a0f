"""The log of a task as lines: of one run after the other while the task goes on, or as it is now."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common.messages import one_line
from airflow_provider_taskcluster.exceptions import NotFound
from airflow_provider_taskcluster.tasks.log_lines import LineCutter
from airflow_provider_taskcluster.tasks.log_tail import LogTail
from airflow_provider_taskcluster.tasks.run_log import LogAccess, LogNote, RunLog
from airflow_provider_taskcluster.transfer.config import MIB

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from airflow_provider_taskcluster.tasks.log_names import LogNames
    from airflow_provider_taskcluster.tasks.status_watch import StatusWatch

# Bytes in which the last lines are looked for, by default.
TAIL_BYTES = 10 * MIB
# Begins the lines that are ours.
MARK = "[taskcluster]"
_POLL = 0.2


@dataclass(frozen=True)
class TaskLog:
    """The log of one task.

    :param secrets: Texts to mask.
    """

    access: LogAccess
    watch: StatusWatch
    names: LogNames
    secrets: tuple[str, ...]

    def followed(self, run_id: int | None) -> Generator[str, None, None]:
        """Yield the lines until the task is resolved, or the given run, and its log is through."""
        number = self._latest() if run_id is None else run_id
        while self._begins(number, wanted=run_id is not None):
            with closing(self._run_log(number).followed()) as items:
                yield from self._lines(items)
            if run_id is not None:
                return
            number += 1
            if run := self.watch.run(number):
                yield f"{MARK} Run {number} begins ({one_line(run['reasonCreated'])})"

    def now(self, run_id: int | None, tail: int | None, max_bytes: int | None) -> Generator[str, None, None]:
        """Yield the lines of the latest run, or the given one, as they are now.

        :param tail: Yield the last lines only.
        :param max_bytes: Yield the end of the log only, at most that many bytes.
        """
        number = self._latest() if run_id is None else run_id
        if self.watch.run(number) is None:
            if run_id is not None:
                raise self._no_run(number)
            return
        with closing(self._run_log(number).now()) as items:
            if tail is None and max_bytes is None:
                yield from self._lines(items)
            else:
                yield from self._last_lines(items, tail, TAIL_BYTES if max_bytes is None else max_bytes)

    def _last_lines(self, items: Iterable[bytes | LogNote], tail: int | None, max_bytes: int) -> Iterator[str]:
        end, notes = LogTail(max_bytes), []
        for item in items:
            if isinstance(item, LogNote):
                notes.append(item)
            else:
                end.add(item)
        end.begin_with_a_line()
        count = sum(1 for _ in self._lines(end))
        surplus = 0 if tail is None else max(0, count - tail)
        if end.left_out and not surplus:
            yield f"{MARK} The first {end.left_out:,} bytes of the log are left out"
        for number, line in enumerate(self._lines(end)):
            if number >= surplus:
                yield line
        yield from self._lines(notes)

    def _latest(self) -> int:
        runs = self.watch.status["runs"]
        return runs[-1]["runId"] if runs else 0

    def _begins(self, number: int, *, wanted: bool) -> bool:
        """Wait for a run; return False if the task is resolved without it.

        :raises NotFound: It is, and the caller asked for this very run.
        """
        while self.watch.run(number) is None:
            if self.watch.resolved:
                if wanted:
                    raise self._no_run(number)
                return False
            self.access.sleep(_POLL)
            self.watch.look()
        return True

    def _no_run(self, number: int) -> NotFound:
        runs = [run["runId"] for run in self.watch.status["runs"]]
        present = f"it has the runs {runs[0]} to {runs[-1]}" if runs else "it has none yet"
        return NotFound(f"Task {self.access.task_id} has no run {number}: {present}; choose another run_id", status=404)

    def _run_log(self, number: int) -> RunLog:
        return RunLog(self.access, self.watch, number, self.names)

    def _lines(self, items: Iterable[bytes | LogNote]) -> Iterator[str]:
        cutter = LineCutter(self.secrets)
        for item in items:
            if isinstance(item, LogNote):
                yield from cutter.end()
                cutter = LineCutter(self.secrets)
                yield f"{MARK} {item.text}"
            else:
                yield from cutter.feed(item)
        yield from cutter.end()

"""The hook's logs of tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common import names
from airflow_provider_taskcluster.common.counts import whole_number
from airflow_provider_taskcluster.common.values import positive_number
from airflow_provider_taskcluster.exceptions import ConfigurationError, InvalidInput
from airflow_provider_taskcluster.hooks.artifacts import ArtifactsHook
from airflow_provider_taskcluster.tasks.log_names import BACKING_LOG, LIVE_LOG, LogNames

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from airflow_provider_taskcluster.services.schemas import TaskStatus
    from airflow_provider_taskcluster.tasks.log import TaskLog


class TaskLogsHook(ArtifactsHook):
    """Logs of tasks, live and from the store."""

    def task_log(
        self,
        task_id: str,
        run_id: int | None = None,
        *,
        follow: bool = True,
        tail: int | None = None,
        max_bytes: int | None = None,
        interval: float = 10.0,
        live_name: str = LIVE_LOG,
        backing_name: str = BACKING_LOG,
        on_status: Callable[[TaskStatus], None] | None = None,
    ) -> Generator[str, None, None]:
        """Return the lines of a task's log, fit for the log of an Airflow task.

        ::

            for line in hook.task_log(task_id):
                log.info("%s", line)

        With ``follow``, the lines come live, and the iteration ends when the task is resolved and its log is through.
        The stream of the worker is read first, then the log in the store from the byte where the stream ended. A run
        that follows, because the queue or somebody runs the task again, is announced by a line.

        Colours stay; other control characters are shown; secrets of the connection, and signatures and logins in URLs,
        are masked. Lines over 16 KiB are cut. Lines of the provider begin with ``[taskcluster]``. A slow caller loses
        nothing; what it cannot take live comes from the store.

        Scopes ``queue:status:<taskId>`` and ``queue:get-artifact:<name>`` for both names. With
        ``queue:get-task:<taskId>``, names that the task's payload changes are found.

        :param run_id: Number of the run; only this one is followed then. None for the latest run and all later ones.
        :param follow: Wait for further lines. Without, the log as it is now: of a run that goes on, until it is silent
            for 2 s.
        :param tail: Return the last lines only, at most this number of them; needs ``follow=False``.
        :param max_bytes: Return the end of the log only, at most this number of bytes; needs ``follow=False``. Memory
            is used for as many. Default: no limit; 10 MiB for ``tail``.
        :param interval: Seconds between two looks at the status of the task.
        :param live_name: Name of the artifact with the live log.
        :param backing_name: Name of the artifact with the whole log.
        :param on_status: Called with each status of the task, in the thread that iterates; an error that it raises ends
            the iteration.
        :raises NotFound: There is no such task, or run.
        :raises Interrupted: The hook was stopped.
        :raises InvalidInput: An argument is invalid.
        """
        if not follow:
            tail = None if tail is None else whole_number(tail, "tail", least=1)
            max_bytes = None if max_bytes is None else whole_number(max_bytes, "max_bytes", least=1)
        elif tail is not None or max_bytes is not None:
            raise InvalidInput("tail and max_bytes are for the log as it is now: pass follow=False as well")
        run_id = None if run_id is None else whole_number(run_id, "run_id")
        task_log = self._task_log(
            names.task_id(task_id),
            LogNames(names.artifact_name(live_name), names.artifact_name(backing_name)),
            _seconds(interval),
            on_status,
        )
        return task_log.followed(run_id) if follow else task_log.now(run_id, tail, max_bytes)

    def _task_log(
        self, task_id: str, log_names: LogNames, interval: float, on_status: Callable[[TaskStatus], None] | None
    ) -> TaskLog:
        from airflow_provider_taskcluster.tasks.live_hosts import LiveHosts
        from airflow_provider_taskcluster.tasks.log import TaskLog
        from airflow_provider_taskcluster.tasks.log_calls import LogCalls
        from airflow_provider_taskcluster.tasks.run_log import LogAccess
        from airflow_provider_taskcluster.tasks.status_watch import StatusWatch

        settings, store = self.settings, self._store

        def sleep(seconds: float) -> None:
            store.sleep(seconds)
            store.check()

        calls = LogCalls(self.client, task_id)
        hosts = LiveHosts(settings.root_url, settings.live_log_hosts)
        access = LogAccess(task_id, calls, self._artifacts(require_hashes=False), hosts, sleep)
        return TaskLog(access, StatusWatch(calls.status, interval, on_status, sleep), log_names, settings.secrets)


def _seconds(interval: float) -> float:
    try:
        return positive_number(interval, "interval")
    except ConfigurationError as error:
        raise InvalidInput(str(error)) from None

"""What all operators share: the connection and its hook."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_taskcluster.connection.fields import DEFAULT_CONN_ID
from airflow_provider_taskcluster.links.base import leave_links

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook


class TaskclusterBaseOperator(BaseOperator):
    """An operator with a connection.

    :param taskcluster_conn_id: Id of the connection (templated).
    :param connect_timeout: Seconds to wait for a connection; None takes the connection's.
    :param read_timeout: Seconds of silence that end a request; None takes the connection's.
    :param max_retries: Repeats of a request that failed for the moment; None takes the connection's.
    """

    def __init__(
        self,
        *,
        taskcluster_conn_id: str = DEFAULT_CONN_ID,
        connect_timeout: float | None = None,
        read_timeout: float | None = None,
        max_retries: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.taskcluster_conn_id = taskcluster_conn_id
        self.connect_timeout = connect_timeout
        self.read_timeout = read_timeout
        self.max_retries = max_retries

    @cached_property
    def hook(self) -> TaskclusterHook:
        """The hook of this connection. A DAG file that is only parsed does not load it."""
        from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook

        return TaskclusterHook(
            str(self.taskcluster_conn_id),
            connect_timeout=self.connect_timeout,
            read_timeout=self.read_timeout,
            max_retries=self.max_retries,
        )

    def pre_execute(self, context: Context) -> None:
        """Leave the links first, so that a task that fails has them, too."""
        super().pre_execute(context)
        leave_links(self, context)

    def on_kill(self) -> None:
        """End what moves, so that a killed task ends at once."""
        if "hook" in self.__dict__:
            self.hook.stop()

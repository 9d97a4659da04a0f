"""What all operators share: the connection and its hook."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook


class TaskclusterBaseOperator(BaseOperator):
    """An operator with a connection.

    :param taskcluster_conn_id: Id of the connection (templated).
    """

    def __init__(self, *, taskcluster_conn_id: str = TaskclusterHook.default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.taskcluster_conn_id = taskcluster_conn_id

    @cached_property
    def hook(self) -> TaskclusterHook:
        """The hook of this connection."""
        return TaskclusterHook(self.taskcluster_conn_id)

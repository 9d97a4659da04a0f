"""What all sensors share: the connection, its hook, and what an error means while waiting."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseSensorOperator, PokeReturnValue

from airflow_provider_taskcluster.connection.fields import DEFAULT_CONN_ID
from airflow_provider_taskcluster.exceptions import NotFound, TaskclusterError
from airflow_provider_taskcluster.links.base import leave_links
from airflow_provider_taskcluster.outcome import permanent_errors_fail

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook


class TaskclusterBaseSensor(BaseSensorOperator):
    """A sensor with a connection, in poke or reschedule mode.

    "Not there" (404) and errors that may pass mean to wait on; others end the wait at once.

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
        """Leave the links first, so that they are there while the sensor waits."""
        super().pre_execute(context)
        leave_links(self, context)

    @abstractmethod
    def look(self) -> dict[str, Any]:
        """Return what is there.

        :raises NotFound: It is not, or not yet.
        """

    def poke(self, context: Context) -> PokeReturnValue:  # noqa: ARG002 (Airflow's signature)
        """Look once; what is found goes to XCom."""
        with permanent_errors_fail("The wait", self.taskcluster_conn_id):
            try:
                return PokeReturnValue(is_done=True, xcom_value=self.look())
            except NotFound as error:
                self.log.info("Not there yet: %s", error)
            except TaskclusterError as error:
                if not error.transient:
                    raise
                self.log.warning("Could not look, waiting on: %s", error)
        return PokeReturnValue(is_done=False)

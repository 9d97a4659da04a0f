"""What all links share: the address is kept in XCom, where both lines of Airflow find it."""

from __future__ import annotations

from abc import abstractmethod
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperatorLink, XCom

from airflow_provider_taskcluster.exceptions import TaskclusterError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.providers.common.compat.sdk import BaseOperator, Context

# Of a task that has not left any yet.
NO_ADDRESSES: Mapping[str, str] = MappingProxyType({})


class TaskclusterLink(BaseOperatorLink):
    """A link whose address is made of the task's rendered arguments.

    To add one: a class here with ``name``, ``key`` and ``url``, its place in ``operator_extra_links`` of each operator
    that has it, and its path in ``extra-links`` of ``get_provider_info``.
    """

    key: str
    """Key in XCom of the address."""

    @property
    def xcom_key(self) -> str:
        """Where Airflow 3 looks for the address."""
        return self.key

    @abstractmethod
    def url(self, root_url: str, task: Any) -> str | None:
        """Return the address, None if the task's arguments name nothing that has one.

        :param root_url: Root URL of the deployment.
        :param task: The operator or sensor, rendered.
        :raises InvalidInput: An argument cannot be what it should be.
        """

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """Return the address that the task has left; "" means no link.

        Airflow 3 asks when the task ends, in its own process, where it is at hand. To ask XCom for one that was never
        left would be an error in the log of the scheduler.
        """
        left = getattr(operator, "addresses", getattr(getattr(operator, "operator_class", None), "addresses", None))
        return (XCom.get_value(key=self.key, ti_key=ti_key) if left is None else left.get(self.key)) or ""


def leave_links(task: Any, context: Context) -> None:
    """Leave the addresses of a task's links in XCom, and in its ``addresses``, by key.

    Called before the work begins: a failed task has links, too.

    An argument or a connection that cannot work has none. It is the work itself that says why.
    """
    task.addresses = {}
    for link in task.operator_extra_links:
        if not isinstance(link, TaskclusterLink):
            continue  # a subclass outside of this package may have links of its own
        try:
            address = link.url(task.hook.settings.root_url, task)
        except TaskclusterError:
            continue
        if address:
            task.addresses[link.key] = address
            context["ti"].xcom_push(key=link.key, value=address)

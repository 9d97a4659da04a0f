"""Base class of the links: their URLs are stored in XCom, where both Airflow 2 and 3 find them."""

from __future__ import annotations

from abc import abstractmethod
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperatorLink, XCom

from airflow_provider_taskcluster.exceptions import TaskclusterError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.providers.common.compat.sdk import BaseOperator, Context

# The URLs before ``leave_links`` is called.
NO_ADDRESSES: Mapping[str, str] = MappingProxyType({})


class TaskclusterLink(BaseOperatorLink):
    """A link whose URL is made from the task's rendered arguments.

    To add one, define a subclass with ``name``, ``key`` and ``url``, and add it to ``operator_extra_links`` of its
    operators and to ``extra-links`` of ``get_provider_info``.
    """

    key: str
    """XCom key of the URL."""

    @property
    def xcom_key(self) -> str:
        """XCom key for Airflow 3."""
        return self.key

    @abstractmethod
    def url(self, root_url: str, task: Any) -> str | None:
        """Return the URL, None if the task's arguments name nothing that has a page.

        :param root_url: Root URL of the deployment.
        :param task: The operator or sensor, rendered.
        :raises InvalidInput: An argument is invalid.
        """

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """Return the URL that the task has stored; "" means no link.

        Airflow 3 calls this at the end of the task, in the task's process, where XCom is not needed. Reading an XCom
        key that was never stored would log an error.
        """
        urls = getattr(operator, "addresses", getattr(getattr(operator, "operator_class", None), "addresses", None))
        return (XCom.get_value(key=self.key, ti_key=ti_key) if urls is None else urls.get(self.key)) or ""


def leave_links(task: Any, context: Context) -> None:
    """Store the URLs of a task's links in XCom, and in its ``addresses``, by key.

    Called before the work begins, so that a failed task has links, too. Errors of arguments or of the connection are
    ignored here: the work itself will raise them.
    """
    task.addresses = {}
    for link in task.operator_extra_links:
        if not isinstance(link, TaskclusterLink):
            continue  # a user's subclass may have other links
        try:
            url = link.url(task.hook.settings.root_url, task)
        except TaskclusterError:
            continue
        if url:
            task.addresses[link.key] = url
            context["ti"].xcom_push(key=link.key, value=url)

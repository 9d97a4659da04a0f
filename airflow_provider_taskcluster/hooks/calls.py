"""The hook's way to what it has no method for: any call of any service, and Taskcluster's own client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.hooks.base import TaskclusterBaseHook
from airflow_provider_taskcluster.services import upstream

if TYPE_CHECKING:
    from collections.abc import Mapping


class CallsHook(TaskclusterBaseHook):
    """Calls of all services that the ``taskcluster`` package knows."""

    def call(
        self,
        service: str,
        method: str,
        *args: str | int,
        payload: Mapping[str, Any] | None = None,
        query: Mapping[str, str | int] | None = None,
    ) -> Any:
        """Call a method of a service, with this hook's credentials, time-outs, retries and errors.

        ::

            secret = hook.call("secrets", "get", "project/my-team/key")["secret"]
            page = hook.call("queue", "listTaskGroup", task_group_id, query={"limit": 10})

        A list that has more comes with a ``continuationToken``, which is a ``query`` option of the next call.

        :param service: Its name, such as ``queue`` or ``worker-manager``.
        :param method: Its name in Taskcluster's reference, such as ``createTask``.
        :param args: Of its path, in order.
        :param payload: Of its body.
        :param query: Options of its query string.
        :return: The answer, None where it has none. Of a redirect, its body.
        :raises InvalidInput: There is no such service, method or option, or it takes other arguments. Nothing was sent.
        :raises ServiceError: The service said no, one subclass for each kind of no.
        :raises ConnectionFailed: No answer, after all retries.
        """
        upstream.check_call(service, method, args, payload, query)
        return self._run(self.client.call(service, method, *args, payload=payload, query=query, see_other=True))

    def upstream(self, service: str) -> Any:
        """Return Taskcluster's own client of a service, such as ``taskcluster.Queue``: a new one for each call of this.

        It has the root URL and credentials of this connection. All else is its own: errors, retries, no time-outs, and
        proxies and certificates of the environment alone. ``call`` has those of the connection.

        :param service: Its name, such as ``queue`` or ``worker-manager``.
        :raises InvalidInput: There is no such service.
        """
        found = self.settings
        return upstream.new_client(service, found.root_url, found.credentials, found.authorized_scopes)

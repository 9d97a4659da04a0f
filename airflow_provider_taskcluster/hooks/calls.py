"""The hook's calls that move no bytes, and Taskcluster's own client for what the hook has no method for."""

from __future__ import annotations

from typing import Any

from airflow_provider_taskcluster.hooks.base import TaskclusterBaseHook
from airflow_provider_taskcluster.hooks.json_calls import JsonCalls, waited_for
from airflow_provider_taskcluster.services import upstream


class CallsHook(TaskclusterBaseHook):
    """The calls of ``JsonCalls``, each of which returns when it is answered."""

    call = waited_for(JsonCalls.call)
    ping = waited_for(JsonCalls.ping)
    look = waited_for(JsonCalls.look)
    task_runs = waited_for(JsonCalls.task_runs)
    list_artifacts = waited_for(JsonCalls.list_artifacts)
    artifact_info = waited_for(JsonCalls.artifact_info)
    object_metadata = waited_for(JsonCalls.object_metadata)
    purge_cache = waited_for(JsonCalls.purge_cache)
    purge_requests = waited_for(JsonCalls.purge_requests)
    all_purge_requests = waited_for(JsonCalls.all_purge_requests)

    def upstream(self, service: str) -> Any:
        """Return Taskcluster's own client of a service, such as ``taskcluster.Queue``: a new one for each call of this.

        It has the root URL and credentials of this connection. All else is its own: errors, retries, no time-outs, and
        proxies and certificates of the environment alone. ``call`` has those of the connection.

        :param service: Its name, such as ``queue`` or ``worker-manager``.
        :raises InvalidInput: There is no such service.
        """
        found = self.settings
        return upstream.new_client(service, found.root_url, found.credentials, found.authorized_scopes)

"""The synchronous hook's JSON calls, and Taskcluster's own client for all other methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import mask_secret

from airflow_provider_taskcluster.common.redaction import texts_in
from airflow_provider_taskcluster.hooks.base import TaskclusterBaseHook
from airflow_provider_taskcluster.hooks.json_calls import JsonCalls, blocking
from airflow_provider_taskcluster.services import upstream

if TYPE_CHECKING:
    from airflow_provider_taskcluster.services.schemas import Json

_secret = blocking(JsonCalls._secret)  # noqa: SLF001 (each hook masks it in its own way)


class CallsHook(TaskclusterBaseHook):
    """The coroutines of ``JsonCalls`` as blocking methods."""

    call = blocking(JsonCalls.call)
    ping = blocking(JsonCalls.ping)
    look = blocking(JsonCalls.look)
    task_runs = blocking(JsonCalls.task_runs)
    create_task = blocking(JsonCalls.create_task)
    task_status = blocking(JsonCalls.task_status)
    task_definition = blocking(JsonCalls.task_definition)
    cancel_task = blocking(JsonCalls.cancel_task)
    rerun_task = blocking(JsonCalls.rerun_task)
    schedule_task = blocking(JsonCalls.schedule_task)
    task_group = blocking(JsonCalls.task_group)
    seal_task_group = blocking(JsonCalls.seal_task_group)
    cancel_task_group = blocking(JsonCalls.cancel_task_group)
    task_statuses = blocking(JsonCalls.task_statuses)
    find_task = blocking(JsonCalls.find_task)
    insert_task = blocking(JsonCalls.insert_task)
    trigger_hook = blocking(JsonCalls.trigger_hook)
    hook_last_fires = blocking(JsonCalls.hook_last_fires)
    list_artifacts = blocking(JsonCalls.list_artifacts)
    artifact_info = blocking(JsonCalls.artifact_info)
    object_metadata = blocking(JsonCalls.object_metadata)
    purge_cache = blocking(JsonCalls.purge_cache)
    purge_requests = blocking(JsonCalls.purge_requests)
    all_purge_requests = blocking(JsonCalls.all_purge_requests)

    def secret(self, name: str) -> Json:
        """Return a secret: a JSON object, whose texts Airflow masks in its logs. Scope ``secrets:get:<name>``.

        ::

            password = hook.secret("project/my-team/database")["password"]

        :param name: Its whole name.
        :raises NotFound: The secret is missing, or has lapsed.
        :raises InsufficientScopes: The scope is missing. The service says so whether the secret exists or not.
        """
        found: Json = _secret(self, name)
        mask_secret(texts_in(found))
        return found

    notify_email = blocking(JsonCalls.notify_email)
    notify_matrix = blocking(JsonCalls.notify_matrix)
    notify_slack = blocking(JsonCalls.notify_slack)
    notify_pulse = blocking(JsonCalls.notify_pulse)

    def upstream(self, service: str) -> Any:
        """Return a new instance of Taskcluster's own client of a service, such as ``taskcluster.Queue``.

        It has the root URL and credentials of this connection. Its errors and retries are its own, it has no time-outs,
        and it takes proxies and certificates from the environment. ``call`` takes them from the connection.

        :param service: Its name, such as ``queue`` or ``worker-manager``.
        :raises InvalidInput: There is no such service.
        """
        settings = self.settings
        return upstream.upstream_client(service, settings.root_url, settings.credentials, settings.authorized_scopes)

"""``TaskclusterHook``: the provider's interface for DAG code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import mask_secret

from airflow_provider_taskcluster.common.tracebacks import short_tracebacks
from airflow_provider_taskcluster.connection import fields, form
from airflow_provider_taskcluster.connection.parsing import extra_of, host_label, type_mismatch
from airflow_provider_taskcluster.connection.settings import ignored_keys
from airflow_provider_taskcluster.exceptions import ConfigurationError, InsufficientScopes, TaskclusterError
from airflow_provider_taskcluster.hooks.artifact_uploads import ArtifactUploadsHook
from airflow_provider_taskcluster.hooks.base import new_client
from airflow_provider_taskcluster.hooks.calls import CallsHook
from airflow_provider_taskcluster.hooks.folders import FoldersHook
from airflow_provider_taskcluster.hooks.json_calls import SERVICES
from airflow_provider_taskcluster.hooks.task_logs import TaskLogsHook
from airflow_provider_taskcluster.services import credentials
from airflow_provider_taskcluster.services.auth import Auth
from airflow_provider_taskcluster.services.schemas import ALIVE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from airflow_provider_taskcluster.services.client import Client
    from airflow_provider_taskcluster.services.credentials import TemporaryCredentials


@short_tracebacks
class TaskclusterHook(FoldersHook, TaskLogsHook, ArtifactUploadsHook, CallsHook):
    """Calls the APIs of a Taskcluster deployment, and uploads and downloads its objects and artifacts.

    Use it in operators and in TaskFlow functions::

        hook = TaskclusterHook("taskcluster_default")
        hook.download_artifact(task_id, "public/build/target.zip", "/data/target.zip")

    :param taskcluster_conn_id: Id of the connection. If there is none, environment variables are used, as by the
        Taskcluster clients (``TASKCLUSTER_ROOT_URL`` and the like).
    :param connect_timeout: Seconds to connect to a server; overrides the connection's.
    :param read_timeout: Seconds without data that end a request; overrides the connection's.
    :param max_retries: Most retries of a request with a transient error; overrides the connection's.
    """

    conn_name_attr = "taskcluster_conn_id"
    default_conn_name = fields.DEFAULT_CONN_ID
    conn_type = fields.CONNECTION_TYPE
    hook_name = fields.CONNECTION_TYPE_NAME

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Fields of the connection form, for Airflow before 3.2."""
        return form.form_widgets()

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Labels and placeholders of the connection form, for Airflow before 3.2."""
        return form.field_behaviour()

    def temporary_credentials(
        self, scopes: Iterable[str], expires: datetime | timedelta, *, name: str | None = None
    ) -> TemporaryCredentials:
        """Issue temporary credentials with some of the client's scopes, to hand on. No request is made.

        :param scopes: Their scopes. If the client lacks one of them, the services reject the credentials.
        :param expires: When they expire, at most 31 days from now; a timedelta counts from now.
        :param name: Client id for them; needs the scope ``auth:create-client:<name>``.
        :raises ConfigurationError: The connection is anonymous.
        :raises InvalidInput: The connection's own credentials are temporary, or the expiry or a scope is invalid.
        """
        settings = self.settings
        if settings.credentials is None:
            raise ConfigurationError(
                f"Connection {self.taskcluster_conn_id!r} is anonymous and has nothing to hand on: set its client ID"
            )
        issued = credentials.narrowed(
            settings.credentials, scopes, expires, within=settings.authorized_scopes, name=name
        )
        for secret in issued.secrets:
            mask_secret(secret)
        return issued

    def test_connection(self) -> tuple[bool, str]:
        """Ping the services and ask for the scopes of the credentials (the Test button of the form).

        The message names the connection by its host: Airflow tests it under a random id.
        """
        connection, where, ignored = self._connection(), None, ""
        try:
            if connection is not None:
                where = host_label(connection)
                if other := type_mismatch(connection):
                    raise ConfigurationError(f"{where} {other}")
                ignored = ignored_keys(extra_of(connection, where))
            ok, message = True, self._run(_test_client(new_client(self._checked(connection, where), None)))
        except TaskclusterError as error:
            ok, message = False, str(error)
        return ok, f"{message}; {ignored}" if ignored else message


async def _test_client(client: Client) -> str:
    """Ping the services, and return one sentence about their responses."""
    try:
        for service in SERVICES:
            await client.call(service, "ping", once=True, read=ALIVE)
        who = f"client {client.credentials.client_id!r}" if client.credentials else "the anonymous client"
        try:
            scopes = len(await Auth(client).current_scopes())
        except InsufficientScopes:  # a 403, so the credentials are valid
            return f"{client.root_url} answers {who}, who may not list its scopes (auth:current-scopes)"
        return f"{client.root_url} answers {who} with {scopes} scope{'s' if scopes != 1 else ''}"
    finally:
        await client.close()

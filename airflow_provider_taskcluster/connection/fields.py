"""The fields of a Taskcluster connection: the one source of its form and its parser. Pure.

``settings.py`` says what the value of each means.

Airflow imports this while it is itself being imported, so that nothing here may import Airflow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CONNECTION_TYPE = "taskcluster"
CONNECTION_TYPE_NAME = "Taskcluster"
DEFAULT_CONN_ID = "taskcluster_default"
HOOK_CLASS = "airflow_provider_taskcluster.hooks.taskcluster.TaskclusterHook"


@dataclass(frozen=True)
class ExtraField:
    """A field of the connection that Airflow keeps in ``extra``.

    :param name: Key in ``extra``.
    :param label: Label in the form.
    :param kind: Type of the input; ``password`` is masked.
    :param help: One line below the field.
    """

    name: str
    label: str
    kind: Literal["string", "password", "number", "integer", "boolean"]
    help: str


# In the order of the form: the most used fields come first.
EXTRA_FIELDS = (
    ExtraField("project_id", "Project ID", "string", "Project of uploads that do not name one."),
    ExtraField(
        "certificate",
        "Certificate",
        "password",
        "Only for temporary credentials: the certificate that came with them, as JSON.",
    ),
    ExtraField(
        "authorized_scopes",
        "Authorized scopes",
        "string",
        "Use no more than these scopes of the client. Separated by spaces, or a JSON list.",
    ),
    ExtraField(
        "upload_secret",
        "Upload secret",
        "password",
        "Upload ids are derived from it, so that a retry takes up its own upload. The access token if empty.",
    ),
    ExtraField(
        "from_env",
        "Take from environment",
        "boolean",
        "Root URL and credentials come from TASKCLUSTER_PROXY_URL or TASKCLUSTER_ROOT_URL, "
        "TASKCLUSTER_CLIENT_ID, TASKCLUSTER_ACCESS_TOKEN and TASKCLUSTER_CERTIFICATE of the worker.",
    ),
    ExtraField(
        "verify",
        "Verify TLS",
        "string",
        "true (if empty), false, or the path of a bundle of trusted certificates on the worker.",
    ),
    ExtraField(
        "proxies",
        "Proxies",
        "password",  # the URL of a proxy can hold a login
        'JSON: {"https": "http://user:password@proxy:3128"}, {} for none. The environment\'s if empty.',
    ),
    ExtraField(
        "live_log_hosts",
        "Live log hosts",
        "string",
        "Hosts that live logs of tasks may be read from, such as *.example.com. Separated by spaces, or a JSON list. "
        "The root URL's host and its subdomains if empty.",
    ),
    ExtraField("connect_timeout", "Connect time-out", "number", "Seconds to wait for a connection. 10 if empty."),
    ExtraField("read_timeout", "Read time-out", "number", "Seconds of silence that end a request. 60 if empty."),
    ExtraField(
        "retry_seconds",
        "Retry time",
        "number",
        "Seconds for which a request that failed for the moment is repeated. 60 if empty.",
    ),
    ExtraField("max_retries", "Retries", "integer", "Maximum number of repeats within that time. 100 if empty."),
    ExtraField(
        "durable",
        "Durable",
        "string",  # an empty boolean is shown as an unchecked box, which Airflow 2 would store as false
        "true (if empty): downloaded files survive power loss. false: a download does not wait for the disk.",
    ),
)

LABELS = {"host": "Root URL", "login": "Client ID", "password": "Access token"}
PLACEHOLDERS = {
    "host": "https://taskcluster.example.com",
    "login": "project/my-team/airflow (anonymous if empty)",
    "password": "the client's access token",
}
HIDDEN_FIELDS = ("schema", "port", "extra")

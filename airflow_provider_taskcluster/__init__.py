"""Apache Airflow provider for Taskcluster."""

from __future__ import annotations

from typing import Any

__all__ = ["__version__", "get_provider_info"]

__version__ = "0.1.0"

INTEGRATION = "Taskcluster"
OPERATORS = (
    *("artifact_uploads", "artifacts", "folders", "groups", "hooks", "objects", "payloads", "purge_cache", "run_task"),
    "tasks",
)
LINKS = (
    "TaskclusterTaskLink",
    "TaskclusterTaskGroupLink",
    "TaskclusterIndexLink",
    "TaskclusterArtifactLink",
    "TaskclusterObjectLink",
    "TaskclusterHookLink",
    "TaskclusterPurgeCachesLink",
)
DECORATOR = "airflow_provider_taskcluster.decorators.taskcluster.taskcluster_task"
ASSETS = {
    "schemes": ["taskcluster"],
    "handler": "airflow_provider_taskcluster.assets.uris.sanitize_uri",
    "factory": "airflow_provider_taskcluster.assets.taskcluster.create_asset",
    "to_openlineage_converter": "airflow_provider_taskcluster.assets.taskcluster.convert_asset_to_openlineage",
}


def get_provider_info() -> dict[str, Any]:
    """Describe this provider to Airflow (entry point ``apache_airflow_provider``).

    Airflow calls this while it is itself being imported, so nothing here may import Airflow.
    """
    from airflow_provider_taskcluster.connection.form import connection_type_metadata

    return {
        "package-name": "airflow-provider-taskcluster",
        "name": "Taskcluster",
        "description": "`Taskcluster <https://taskcluster.net/>`__",
        "versions": [__version__],
        "integrations": [
            {"integration-name": INTEGRATION, "external-doc-url": "https://docs.taskcluster.net/", "tags": ["service"]}
        ],
        "operators": _modules("operators", *OPERATORS),
        "sensors": _modules("sensors", "artifacts", "index", "objects", "tasks"),
        "triggers": _modules("triggers", "events", "run_trigger", "waits"),
        "hooks": _modules("hooks", "taskcluster"),
        "connection-types": [connection_type_metadata()],
        "extra-links": [f"airflow_provider_taskcluster.links.taskcluster.{name}" for name in LINKS],
        "asset-uris": [ASSETS],
        "dataset-uris": [ASSETS],  # Airflow 2's name for them
        "secrets-backends": ["airflow_provider_taskcluster.secrets.taskcluster.TaskclusterSecretsBackend"],
        "notifications": ["airflow_provider_taskcluster.notifications.taskcluster.TaskclusterNotifier"],
        "task-decorators": [{"name": "taskcluster", "class-name": DECORATOR}],
        "filesystems": ["airflow_provider_taskcluster.fs.taskcluster"],
    }


def _modules(folder: str, *names: str) -> list[dict[str, Any]]:
    modules = [f"airflow_provider_taskcluster.{folder}.{name}" for name in names]
    return [{"integration-name": INTEGRATION, "python-modules": modules}]

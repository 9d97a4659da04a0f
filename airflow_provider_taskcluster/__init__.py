"""Apache Airflow provider for Taskcluster."""

from __future__ import annotations

from typing import Any

__all__ = ["__version__", "get_provider_info"]

__version__ = "0.1.0"


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
        "connection-types": [connection_type_metadata()],
    }

"""Plugin that enables Airflow's lineage by reading it, as the OpenLineage provider does."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin
from airflow.providers.common.compat.sdk import HookLineageReader


class LineagePlugin(AirflowPlugin):
    """Reads what hooks tell the collector."""

    name = "lineage"
    hook_lineage_readers = [HookLineageReader]  # noqa: RUF012 (as Airflow declares it)

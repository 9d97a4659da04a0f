"""Switches Airflow's lineage on, as the OpenLineage provider does: a plugin that reads it."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin
from airflow.providers.common.compat.sdk import HookLineageReader


class LineagePlugin(AirflowPlugin):
    """Reads what hooks tell the collector."""

    name = "lineage"
    hook_lineage_readers = [HookLineageReader]  # noqa: RUF012 (as Airflow declares it)

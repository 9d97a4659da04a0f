"""The cost of this provider when a DAG file is parsed."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def operators_and_sensors() -> Callable[[], int]:
    """Import every operator and sensor, after the imports of any DAG file."""
    from airflow.providers.common.compat.sdk import BaseOperator  # noqa: F401 (loads it)

    from airflow_provider_taskcluster import get_provider_info

    info = get_provider_info()
    modules = [name for kind in ("operators", "sensors") for group in info[kind] for name in group["python-modules"]]

    def work() -> int:
        for module in modules:
            importlib.import_module(module)
        return 0

    return work

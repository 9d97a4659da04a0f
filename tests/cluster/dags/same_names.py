"""Runs that write the same object and the same file, for the tests of the cluster."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import Param, dag

from airflow_provider_taskcluster.operators.objects import (
    TaskclusterDownloadObjectOperator,
    TaskclusterUploadObjectOperator,
)

SHARED = os.environ["SHARED_DATA"]
PARAMS = {name: Param("", type="string") for name in ("source", "expires", "object")}
RETRIES = {"retries": 3, "retry_delay": timedelta(seconds=3)}


@dag(schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC), catchup=False, params=PARAMS, default_args=RETRIES)
def same_names():
    # A timedelta would count from the start of each run, so that the runs would have two uploads.
    TaskclusterUploadObjectOperator(
        task_id="upload", source="{{ params.source }}", name="same/object", expires="{{ params.expires }}"
    )
    TaskclusterDownloadObjectOperator(
        task_id="download", name="{{ params.object }}", destination=f"{SHARED}/same/download", connections=2
    )


same_names()

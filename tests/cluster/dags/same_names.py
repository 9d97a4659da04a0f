"""Runs that write the same object and the same file, for the tests of the cluster."""

from __future__ import annotations

import os

from airflow.providers.common.compat.sdk import Param, dag
from transfers import SETTINGS

from airflow_provider_taskcluster.operators.objects import (
    TaskclusterDownloadObjectOperator,
    TaskclusterUploadObjectOperator,
)

SHARED = os.environ["SHARED_DATA"]
PARAMS = {name: Param("", type="string") for name in ("source", "expires", "object")}


@dag(params=PARAMS, **SETTINGS)
def same_names():
    # A timedelta would count from the start of each run, so that the runs would have two uploads.
    TaskclusterUploadObjectOperator(
        task_id="upload", source="{{ params.source }}", name="same/object", expires="{{ params.expires }}"
    )
    TaskclusterDownloadObjectOperator(
        task_id="download", name="{{ params.object }}", destination=f"{SHARED}/same/download", connections=2
    )


same_names()

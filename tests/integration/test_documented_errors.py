"""The errors quoted on the page about troubleshooting are the ones that are raised."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_taskcluster.exceptions import ConfigurationError
from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
from airflow_provider_taskcluster.operators.objects import TaskclusterDownloadObjectOperator

PAGE = (Path(__file__).parents[2] / "docs/troubleshooting.md").read_text()
MISSING_SCOPE, NO_CONNECTION = (" ".join(text.split()) for text in re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL))


def test_a_missing_scope(tc, connect, tmp_path):
    client = "project/my-team/airflow"
    token = tc.add_client(client, ["object:upload:my-team:*"])
    connect("taskcluster_default", login=client, password=token)
    download = TaskclusterDownloadObjectOperator(
        task_id="download", name="my-team/report.html", destination=str(tmp_path / "report.html")
    )
    with pytest.raises(AirflowFailException) as raised:
        download.execute({})
    assert str(raised.value).replace(tc.root_url, "https://taskcluster.example.com") == MISSING_SCOPE


def test_no_connection(monkeypatch):
    for name in ("TASKCLUSTER_ROOT_URL", "TASKCLUSTER_PROXY_URL", "AIRFLOW_CONN_TASKCLUSTER_DEFAULT"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigurationError) as raised:
        TaskclusterHook().ping()
    assert str(raised.value) == NO_CONNECTION

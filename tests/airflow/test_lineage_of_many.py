"""Many files at once are one asset, in lineage and in events: Airflow's collector holds a hundred."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from airflow.providers.common.compat.lineage.hook import get_hook_lineage_collector
from airflow.providers.common.compat.sdk import DAG, AssetAlias

from airflow_provider_taskcluster.assets.taskcluster import artifact_asset
from airflow_provider_taskcluster.emulator.worker import Worker
from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
from airflow_provider_taskcluster.operators.folders import TaskclusterUploadFolderOperator
from airflow_provider_taskcluster.operators.objects import TaskclusterUploadObjectOperator
from airflow_provider_taskcluster.operators.payloads import TaskclusterDownloadPayloadOperator

pytestmark = [
    pytest.mark.usefixtures("database"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
]


@pytest.fixture
def lineage():
    """A function that returns what was collected since the test began: URI and extra of each asset."""
    collector = get_hook_lineage_collector()
    collector._inputs.clear()
    collector._outputs.clear()

    def found(direction):
        return [(info.asset.uri, info.asset.extra) for info in getattr(collector.collected_assets, direction)]

    return found


@pytest.fixture(scope="module")
def published(taskcluster_emulator):
    """A run with more files than the collector accepts."""
    credentials = {"clientId": taskcluster_emulator.client_id, "accessToken": taskcluster_emulator.access_token}
    worker = Worker(taskcluster_emulator.root_url, credentials)
    return worker.run_task(artifacts={f"public/build/{number}.txt": b"12345" for number in range(120)})


@pytest.fixture
def folder(tmp_path):
    for name in ("index.html", "style.css"):
        (tmp_path / name).write_text("12345")
    return tmp_path


def test_a_payload_that_is_downloaded_is_one_asset(tc, published, lineage, tmp_path):
    task = TaskclusterDownloadPayloadOperator(
        task_id="payload", taskcluster_task_id=published.task_id, destination=str(tmp_path), prefix="public/build/"
    )
    task.execute({})
    uri = artifact_asset(published.task_id, "public/build").uri
    assert lineage("inputs") == [(uri, {"files": 120, "size": 600, "run_id": 0})]
    assert uri.endswith(f"/{published.task_id}/latest/public/build")


def test_a_whole_run_is_named_without_a_prefix(tc, published, lineage):
    chunks = TaskclusterHook().open_payload(published.task_id, 0).chunks("public/build/7.txt")
    assert lineage("inputs") == [], "nothing is read yet"
    assert [chunk for _, chunk in chunks] == [b"12345"]
    assert lineage("inputs") == [(f"taskcluster://artifacts/{published.task_id}/0", {"files": 1})]


def test_a_folder_that_is_uploaded_is_one_asset(tc, folder, lineage):
    expires = datetime.now(UTC) + timedelta(days=1)
    TaskclusterHook().upload_folder(folder, "lineage/site #1/", expires=expires)
    facts = {"prefix": "lineage/site #1/", "files": 2, "size": 10}
    assert lineage("outputs") == [("taskcluster://objects/lineage/site%20%231", facts)]


def test_without_a_prefix_nothing_names_what_a_folder_became(tc, folder, lineage):
    TaskclusterHook().upload_folder(folder, "", expires=datetime.now(UTC) + timedelta(days=1))
    assert lineage("outputs") == []


def test_a_name_that_airflow_takes_for_no_asset_does_not_fail_the_upload(tc):
    with DAG("of_long_name", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)):
        task = TaskclusterUploadObjectOperator(
            task_id="upload",
            name="lineage/" + "#" * 992,
            data="x",
            expires=datetime.now(UTC) + timedelta(days=1),
            outlets=[AssetAlias("lineage-of-long")],
        )
    assert task.execute({"outlet_events": {}})["size"] == 1


def test_then_an_alias_gets_no_asset(tc, folder):
    with DAG("of_folder", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)):
        task = TaskclusterUploadFolderOperator(
            task_id="upload",
            folder=str(folder),
            prefix="",
            expires=datetime.now(UTC) + timedelta(days=1),
            outlets=[AssetAlias("lineage-of-nothing")],
        )
    assert task.execute({})["files"] == 2

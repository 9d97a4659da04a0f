"""Assets in real DAG runs: events of uploads, and the content of Airflow's lineage collector."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from airflow.providers.common.compat.lineage.hook import get_hook_lineage_collector
from airflow.providers.common.compat.sdk import Asset, ObjectStoragePath
from airflow.providers_manager import ProvidersManager
from airflow.utils.session import create_session
from airflow_lines import AIRFLOW_2, stored

from airflow_provider_taskcluster.assets.taskcluster import artifact_asset, convert_asset_to_openlineage, object_asset
from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
from airflow_provider_taskcluster.operators.objects import TaskclusterUploadObjectOperator

try:
    from airflow.models.asset import AssetEvent, AssetModel
except ImportError:  # Airflow 2
    from airflow.models.dataset import DatasetEvent as AssetEvent
    from airflow.models.dataset import DatasetModel as AssetModel

try:
    from airflow.models.asset import TaskInletAssetReference
except ImportError:  # until 3.0
    TaskInletAssetReference = None

pytestmark = [
    pytest.mark.usefixtures("database"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
]


def events(dag_run):
    """Return the extras of a run's events, by the URI of their asset."""
    with create_session() as session:
        column = AssetEvent.asset_id if hasattr(AssetEvent, "asset_id") else AssetEvent.dataset_id
        found = session.query(AssetModel.uri, AssetEvent.extra).join(AssetModel, AssetModel.id == column)
        made = found.filter(AssetEvent.source_dag_id == dag_run.dag_id, AssetEvent.source_run_id == dag_run.run_id)
        return dict(made.all())


def lineage(direction):
    """Return the extras in the collector, by URI."""
    found = getattr(get_hook_lineage_collector().collected_assets, direction)
    return [(info.asset.uri, info.asset.extra) for info in found]


@pytest.fixture(scope="module")
def downloads(tmp_path_factory):
    """The folder that the example downloads into."""
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def ran(taskcluster_emulator, downloads, load_example):
    """The example, run once: the run, and the extras of its uploads."""
    connection = {
        "conn_type": "taskcluster",
        "host": taskcluster_emulator.root_url,
        "login": taskcluster_emulator.client_id,
        "password": taskcluster_emulator.access_token,
        "extra": {"project_id": "tests"},
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_TASKCLUSTER_DEFAULT", json.dumps(connection))
        collector = get_hook_lineage_collector()  # it is full after so many, of the tests that ran before
        collector._inputs.clear()
        collector._outputs.clear()
        dag_run = load_example("files_and_assets").test(run_conf={"folder": str(downloads)})
        assert str(dag_run.state) == "success"
        text = f"written by {dag_run.run_id}".encode()
        facts = {
            "name": f"airflow-demo/{dag_run.run_id}/report #1.txt",
            "size": len(text),
            "content_type": "text/plain",
            **{name: hashlib.new(name, text).hexdigest() for name in ("sha256", "sha512")},
        }
        yield dag_run, facts


def test_the_event_of_an_upload_says_what_was_made(ran):
    dag_run, facts = ran
    extra = events(dag_run)["airflow-demo-upload"]
    assert {key: extra[key] for key in facts} == facts


def test_an_alias_gets_the_asset_of_the_object_that_was_made(ran):
    dag_run, facts = ran
    extra = events(dag_run)[object_asset(facts["name"]).uri]
    assert {key: extra[key] for key in facts} == facts


def test_a_download_takes_what_the_last_event_of_its_inlet_names(ran, downloads):
    dag_run, _ = ran
    assert (downloads / "report.txt").read_text() == f"written by {dag_run.run_id}"


@pytest.mark.usefixtures("ran")  # whose DAG has the asset that a reference names
def test_references_and_what_stands_for_an_artifact_have_events(worker, load_test_dag):
    claimed = worker.claim(worker.create_task())
    dag_run = load_test_dag("tasks_with_outlets").test(run_conf={"task": claimed.task_id})
    assert str(dag_run.state) == "success"
    found = events(dag_run)
    assert found["airflow-demo-upload"]["name"] == f"outlets/{dag_run.run_id}"
    assert found["airflow-demo-site"] == {"name": "public/error", "storage_type": "error"}
    uris = {kind: artifact_asset(claimed.task_id, f"public/{kind}", 0).uri for kind in ("reference", "link", "error")}
    for kind in ("reference", "link"):
        assert found[uris[kind]] == {"name": f"public/{kind}", "storage_type": kind}
        assert (uris[kind], found[uris[kind]]) in lineage("outputs")
    assert uris["error"] not in found, "nothing was made"


@pytest.mark.usefixtures("ran")
def test_a_download_is_at_its_inlet(load_example):
    (inlet,) = stored(load_example("files_and_assets")).get_task("download").inlets
    assert inlet.uri == "airflow-demo-upload"
    if TaskInletAssetReference is not None:
        assert inlets_in_the_graph() == [("files_and_assets", "download", "airflow-demo-upload")]


def inlets_in_the_graph():
    """Return the edges between tasks and assets in the UI's graph, which exist from Airflow 3.1 on."""
    kept = TaskInletAssetReference
    with create_session() as session:
        found = session.query(kept.dag_id, kept.task_id, AssetModel.name)
        found = found.join(AssetModel, AssetModel.id == kept.asset_id)
        return [tuple(row) for row in found]


def test_the_events_of_a_folder_say_what_was_made(tc, worker, load_example, tmp_path):
    for name in ("index.html", "style.css"):
        (tmp_path / name).write_text("12345")
    claimed = worker.claim(worker.create_task())
    where = {"taskcluster_task_id": claimed.task_id, "taskcluster_run_id": claimed.run_id}
    dag_run = load_example("publish").test(run_conf={"folder": str(tmp_path), **where})
    assert str(dag_run.state) == "success"
    facts = {"prefix": f"airflow-demo/{dag_run.run_id}/", "files": 2, "size": 10}
    made = events(dag_run)
    for extra in (made["airflow-demo-site"], made[object_asset(f"airflow-demo/{dag_run.run_id}").uri]):
        assert {key: extra[key] for key in facts} == facts


def test_what_is_made_and_read_is_lineage(ran):
    _, facts = ran
    uri = object_asset(facts["name"]).uri
    assert uri.endswith("/report%20%231.txt")
    assert (uri, facts) in lineage("outputs")
    assert uri in [found for found, _ in lineage("inputs")]


def test_what_a_path_writes_is_lineage_under_the_uri_of_its_object(ran):
    _, facts = ran
    uri = object_asset(facts["name"].replace("report #1", "shouted")).uri
    assert uri in [found for found, _ in lineage("outputs")]
    assert not [found for found, _ in lineage("outputs") if "@" in urlsplit(found).netloc]


def test_the_life_of_what_a_path_writes_counts_from_the_start_of_the_dag_run(ran):
    dag_run, facts = ran
    found = TaskclusterHook().object_metadata(facts["name"].replace("report #1", "shouted"))
    expires = (dag_run.start_date + timedelta(days=1)).isoformat(timespec="milliseconds")
    assert found["expires"] == expires.replace("+00:00", "Z")


def test_downloads_are_lineage(tc, worker, tmp_path):
    run = worker.run_task(artifacts={"public/a.txt": b"data"})
    hook = TaskclusterHook()
    hook.download_artifact(run.task_id, "public/a.txt", tmp_path / "a", run.run_id)
    (extra,) = [extra for uri, extra in lineage("inputs") if uri == artifact_asset(run.task_id, "public/a.txt", 0).uri]
    assert (extra["name"], extra["size"]) == ("public/a.txt", 4)


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("taskcluster://objects/a/b", "taskcluster://objects/a/b"),
        ("taskcluster://conn@objects/a b", "taskcluster://objects/a%20b"),
        ("taskcluster:///objects/a", "taskcluster://objects/a"),
        (
            "taskcluster://artifacts/fN1SbArXTPSVFNUvaOlinQ/latest",
            "taskcluster://artifacts/fN1SbArXTPSVFNUvaOlinQ/latest",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:A dataset URI should not contain auth info")
def test_airflow_normalizes_uris_by_our_handler(written, normal):
    assert Asset(uri=written).uri == normal


@pytest.mark.filterwarnings("error:The dataset URI:UserWarning")
def test_a_uri_that_names_nothing_is_refused():
    with pytest.raises((ValueError, UserWarning), match="names no object or artifact"):
        Asset(uri="taskcluster://elsewhere/x")


def test_the_factory_is_found_by_scheme():
    manager = ProvidersManager()
    names = ("asset_factories", "dataset_factories")  # Airflow 3, Airflow 2
    factories = next(getattr(manager, name) for name in names if hasattr(manager, name))
    assert factories["taskcluster"](name="a b").uri == "taskcluster://objects/a%20b"
    made = factories["taskcluster"](name="public/a", task_id="fN1SbArXTPSVFNUvaOlinQ", run_id=0, extra={"size": 1})
    assert (made.uri, made.extra) == ("taskcluster://artifacts/fN1SbArXTPSVFNUvaOlinQ/0/public/a", {"size": 1})


def test_an_asset_takes_what_airflow_takes():
    own = {"extra": {"a": 1}} if AIRFLOW_2 else {"name": "report", "group": "demo"}  # in Airflow 2 it has no name
    for asset in (object_asset("a", **own), artifact_asset("fN1SbArXTPSVFNUvaOlinQ", "public/a", run_id=0, **own)):
        assert {key: getattr(asset, key) for key in own} == own


def test_openlineage_learns_the_deployment(tc):
    asset = object_asset("a b/c")
    found = convert_asset_to_openlineage(asset, TaskclusterHook())
    assert (found.namespace, found.name) == (f"taskcluster://{urlsplit(tc.root_url).netloc}", "objects/a%20b/c")
    operator = TaskclusterUploadObjectOperator(task_id="upload", name="x", data="x", expires=timedelta(days=1))
    for context in (ObjectStoragePath("taskcluster://taskcluster_default@objects/x"), operator):
        assert convert_asset_to_openlineage(asset, context).namespace == found.namespace
    assert convert_asset_to_openlineage(asset, None).namespace == "taskcluster"

"""Arguments of a mapped task that exclude each other are an import error, wherever they are written out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from airflow.providers.common.compat.sdk import DAG, TaskGroup, task

from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.operators.artifact_uploads import TaskclusterUploadArtifactOperator
from airflow_provider_taskcluster.operators.objects import TaskclusterUploadObjectOperator
from airflow_provider_taskcluster.operators.purge_cache import TaskclusterPurgeCacheOperator
from airflow_provider_taskcluster.operators.run_task import TaskclusterRunTaskOperator
from airflow_provider_taskcluster.sensors.artifacts import TaskclusterArtifactSensor

DAY = timedelta(days=1)
NAMES = ["a", "b"]
EITHER = "Task 'task' needs something to upload: give either source (a path) or data"
POOL = "Name the worker pool by worker_pool_id, or by"
USUAL = {
    TaskclusterUploadObjectOperator: {"expires": DAY},
    TaskclusterUploadArtifactOperator: {"taskcluster_task_id": "fN1SbArXTPSVFNUvaOlinQ", "run_id": 0, "expires": DAY},
    TaskclusterPurgeCacheOperator: {},
    TaskclusterRunTaskOperator: {},
    TaskclusterArtifactSensor: {},
}
# Operators, what is given to ``partial`` and to ``expand``, and what is said of it.
WRONG = [
    (TaskclusterUploadObjectOperator, {"source": "/a", "data": "b"}, {"name": NAMES}, EITHER),
    (TaskclusterUploadObjectOperator, {"data": None}, {"name": NAMES}, EITHER),
    (TaskclusterUploadObjectOperator, {"name": "a", "source": "/a"}, {"data": ["b"]}, EITHER),
    (TaskclusterUploadObjectOperator, {"name": "a"}, {"source": ["/a"], "data": ["b"]}, EITHER),
    (TaskclusterUploadObjectOperator, {"name": "a"}, {"source": ["/a", None], "data": [None]}, EITHER),
    (TaskclusterUploadObjectOperator, {"name": "a"}, {"data": ["b", None]}, EITHER),
    (TaskclusterUploadArtifactOperator, {"url": "https://example.com", "data": "b"}, {"name": NAMES}, "url and data"),
    (TaskclusterUploadArtifactOperator, {"name": "a", "data": "b"}, {"error": ["gone"]}, "there is error and data"),
    (TaskclusterUploadArtifactOperator, {"name": "a"}, {"source": ["/a", ""]}, "there is nothing"),
    (TaskclusterPurgeCacheOperator, {"worker_pool_id": "a/b", "worker_type": "b"}, {"cache_names": NAMES}, POOL),
    (TaskclusterPurgeCacheOperator, {"cache_names": "a"}, {"provisioner_id": NAMES}, POOL),
    (TaskclusterRunTaskOperator, {"payload": {}}, {"task_queue_id": NAMES, "payload_file": ["a"]}, "either payload or"),
    (TaskclusterRunTaskOperator, {"priority": "low"}, {"payload": [{}]}, "needs something to run"),
    (TaskclusterRunTaskOperator, {"definition": {}, "download": "*"}, {"name": NAMES}, "download and destination"),
    (TaskclusterArtifactSensor, {}, {"taskcluster_task_id": NAMES, "name": [""]}, "pass the name of an artifact, or"),
]


@pytest.fixture
def dag():
    with DAG("mapped", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)) as dag:
        yield dag


@pytest.mark.usefixtures("dag")
@pytest.mark.parametrize(("kind", "partial", "expand", "sentence"), WRONG)
def test_what_cannot_fit_together_is_refused_when_it_is_expanded(kind, partial, expand, sentence):
    with pytest.raises(InvalidInput) as caught:
        kind.partial(task_id="task", **USUAL[kind], **partial).expand(**expand)
    assert sentence in str(caught.value)


@pytest.mark.usefixtures("dag")
@pytest.mark.parametrize("wrong", [{"name": "b", "source": ""}, {"name": "b", "source": "/b", "data": "b"}])
def test_so_is_one_of_several_dicts_of_arguments(wrong):
    upload = TaskclusterUploadObjectOperator.partial(task_id="task", expires=DAY)
    with pytest.raises(InvalidInput, match="give either source"):
        upload.expand_kwargs([{"name": "a", "data": "a"}, wrong])


def test_what_only_a_run_can_tell_is_left_to_it(dag):
    @task
    def before():
        return ["x"]

    xcom = before()
    upload = TaskclusterUploadObjectOperator
    for number, (partial, expand) in enumerate(
        [
            ({"name": "a", "source": "/a"}, {"data": xcom}),
            ({"source": "{{ params.x }}", "data": "b"}, {"name": NAMES}),
            ({"name": "a", "data": "b"}, {"source": ["{{ params.x }}"]}),
            ({"name": "a", "data": "b"}, {"source": [xcom]}),
            ({"name": "a"}, {"source": ["/a", "/b"], "data": [None]}),
            ({"name": "a", "data": ""}, {"source": [None, ""]}),  # data of "" is an empty file
        ]
    ):
        upload.partial(task_id=f"task_{number}", **{"expires": DAY, **partial}).expand(**expand)
    upload.partial(task_id="nothing", expires=DAY).expand(name=NAMES)
    items = upload.partial(task_id="items", name="a", expires=DAY)
    assert items.operator_class is upload  # as Airflow's own has it
    items.expand(data={"a": 1})
    upload.partial(task_id="dicts", expires=DAY).expand_kwargs([{"name": "a", "data": xcom}, xcom])
    upload.partial(task_id="task_of_dicts", expires=DAY).expand_kwargs(xcom)
    assert len(dag.tasks) == 11


@pytest.mark.parametrize("place", [DAG, TaskGroup])
def test_a_default_argument_counts(dag, place):
    with place("place", default_args={"source": "/a", "worker_pool_id": "a/b"}):
        purge = TaskclusterPurgeCacheOperator.partial(task_id="purge").expand(cache_names=NAMES)
        with pytest.raises(InvalidInput, match="give either source"):
            TaskclusterUploadObjectOperator.partial(task_id="task", data="b", expires=DAY).expand(name=NAMES)
    assert purge.unmap({"cache_names": "a"}).worker_pool_id == "a/b"


@pytest.mark.parametrize(
    "mapped",
    [
        "partial(task_id='task', source='/a', data='b', expires=DAY).expand(name=['a'])",
        "partial(task_id='task', name='a', expires=DAY).expand(source=['/a'], data=['b'])",
        "partial(task_id='task', expires=DAY).expand_kwargs([{'name': 'a', 'data': 'b', 'source': '/a'}])",
    ],
)
def test_a_dag_file_with_it_is_an_import_error_with_the_sentence(tmp_path, mapped):
    from airflow.models.dagbag import DagBag

    (tmp_path / "wrong.py").write_text(
        "from datetime import timedelta\n"
        "from airflow.providers.common.compat.sdk import DAG\n"
        "from airflow_provider_taskcluster.operators.objects import TaskclusterUploadObjectOperator\n"
        "DAY = timedelta(days=1)\n"
        "with DAG('wrong', schedule=None):\n"
        f"    TaskclusterUploadObjectOperator.{mapped}\n"
    )
    [error] = DagBag(tmp_path).import_errors.values()
    assert EITHER in error

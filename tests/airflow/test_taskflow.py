"""Every operator and sensor of the package: mapped over lists, and with templates in every argument for text."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pkgutil import iter_modules

import pytest
from airflow.providers.common.compat.sdk import DAG, BaseSensorOperator
from airflow_lines import stored

from airflow_provider_taskcluster import get_provider_info
from airflow_provider_taskcluster.links.base import TaskclusterLink
from airflow_provider_taskcluster.operators.purge_cache import TaskclusterPurgeCacheOperator
from airflow_provider_taskcluster.tasks.generic_worker import generic_worker_payload

START = datetime(2026, 1, 1, tzinfo=UTC)
GRAPH = {"one": {"payload": {}, "task_queue_id": "a/b"}}
# Text that decides what a task does, not what it does it with.
CHOICES = {
    *("digests", "if_exists", "if_missing", "if_none", "log", "multipart", "on_kill", "require", "requires"),
    *("retry_on", "states", "verify"),
}
# Taskcluster shows neither objects nor folders of them.
WITHOUT_PAGE = {"TaskclusterUploadFolderOperator"}


def every_kind():
    """Return the operators and sensors of all modules, except base classes."""
    rooms = [import_module(f"airflow_provider_taskcluster.{room}") for room in ("operators", "sensors")]
    modules = [import_module(f"{room.__name__}.{m.name}") for room in rooms for m in iter_modules(room.__path__)]
    own = [thing for m in modules for thing in vars(m).values() if getattr(thing, "__module__", "") == m.__name__]
    found = [thing for thing in own if hasattr(thing, "template_fields")]
    return [kind for kind in found if not any(kind in other.__mro__[1:] for other in found)]


def kinds():
    return pytest.mark.parametrize("kind", every_kind(), ids=lambda kind: kind.__name__)


def parameters(kind):
    """Return the parameters of an operator, including those of our base class."""
    ours = [base for base in kind.__mro__ if base.__module__.startswith("airflow_provider_taskcluster.")]
    found = {}
    for base in ours:
        found |= inspect.signature(base.__init__).parameters
    return {name: found[name] for name in found if name not in {"self", "kwargs"}}


def required(kind):
    return [name for name, parameter in parameters(kind).items() if parameter.default is inspect.Parameter.empty]


def given(kind, value):
    """Return the required arguments with one value, except those that are checked when the DAG is parsed."""
    checked = {"expires": timedelta(days=1), "run_id": 0, "deferrable": False, "tasks": GRAPH}
    checked |= {"hook_group_id": "g", "hook_id": "h"}
    return {name: checked.get(name, value) for name in required(kind)}


def something(kind):
    """Return an argument for what to upload, wait for or purge, where there are several alternatives."""
    return {
        "TaskclusterUploadObjectOperator": {"data": "x"},
        "TaskclusterUploadArtifactOperator": {"data": "x"},
        "TaskclusterPurgeCacheOperator": {"worker_pool_id": "a/b"},
        "TaskclusterRunTaskOperator": {"task_queue_id": "a/b", "payload": {}},
        "TaskclusterArtifactSensor": {"name": "x"},
    }.get(kind.__name__, {})


def test_the_provider_names_the_modules_of_all_of_them():
    info = get_provider_info()
    named = {m for kind in ("operators", "sensors") for i in info[kind] for m in i["python-modules"]}
    assert {kind.__module__ for kind in every_kind()} == named


@kinds()
def test_it_can_be_mapped_over_every_required_argument(kind):
    for mapped in required(kind):
        rest = {name: value for name, value in given(kind, "x").items() if name != mapped}
        with DAG("mapped", schedule=None, start_date=START) as dag:
            task = kind.partial(task_id="task", retries=2, **rest).expand(**{mapped: ["a", "b"]})
        one = task.unmap({mapped: "a"})
        assert isinstance(one, kind)
        assert (getattr(one, mapped), one.retries) == ("a", 2)
        assert {name: getattr(one, name) for name in rest} == rest
        web = stored(dag).get_task("task")
        assert set(web.template_fields) == set(kind.template_fields)
        assert [link.name for link in web.operator_extra_links] == [link.name for link in kind.operator_extra_links]


@kinds()
def test_it_leads_to_taskcluster(kind):
    assert bool(kind.operator_extra_links) == (kind.__name__ not in WITHOUT_PAGE)
    assert all(isinstance(link, TaskclusterLink) for link in kind.operator_extra_links)


@kinds()
def test_what_an_operator_returns_has_a_type(kind):
    gives = (
        kind.xcom_value if issubclass(kind, BaseSensorOperator) else kind.execute
    )  # what a sensor found goes to XCom
    returned = gives.__annotations__["return"]
    assert "Any" not in returned
    assert "dict" not in returned


@kinds()
def test_it_can_be_mapped_over_sets_of_arguments(kind):
    sets = [dict.fromkeys(required(kind), "a"), dict.fromkeys(required(kind), "b")]
    with DAG("mapped", schedule=None, start_date=START):
        task = kind.partial(task_id="task").expand_kwargs(sets)
    assert all(getattr(task.unmap(sets[1]), name) == "b" for name in required(kind))


@kinds()
def test_its_required_arguments_are_keywords_and_kept_as_they_were_given(kind):
    arguments = given(kind, object())
    with DAG("plain", schedule=None, start_date=START):
        task = kind(task_id="task", **arguments, **something(kind))
    assert all(getattr(task, name) is value for name, value in arguments.items())
    with pytest.raises(Exception, match=r"keyword|positional"):
        kind("task", *required(kind))


@kinds()
def test_templates_are_rendered_in_every_argument_that_takes_text(kind):
    text = {name for name, parameter in parameters(kind).items() if "str" in str(parameter.annotation)} - CHOICES
    assert "taskcluster_conn_id" in text
    assert text <= set(kind.template_fields)
    assert set(kind.template_fields) <= set(parameters(kind))


NUMBERS = [17, "17", "1.10", "2026_01_31", "0x1f", "0b1", "+5", "-5", "1e3", "(1)", "1j", " 1 "]


@kinds()
@pytest.mark.parametrize(
    ("native", "value", "rendered"),
    [
        *((native, value, str(value)) for native in (False, True) for value in NUMBERS),
        (False, ["a"], "['a']"),
        (True, ["a"], ["a"]),
        (True, True, True),
        (True, "[1, 2]", [1, 2]),
    ],
)
def test_a_template_becomes_text_or_what_native_rendering_makes_of_it(kind, native, value, rendered):
    with DAG("templates", schedule=None, start_date=START, render_template_as_native_obj=native):
        task = kind(task_id="task", **dict.fromkeys(kind.template_fields, "{{ params.n }}"))
    task.render_template_fields({"params": {"n": value}})
    assert {name: getattr(task, name) for name in kind.template_fields} == dict.fromkeys(kind.template_fields, rendered)


def test_names_in_a_list_that_look_like_numbers_stay_text_too():
    with DAG("templates", schedule=None, start_date=START, render_template_as_native_obj=True):
        task = TaskclusterPurgeCacheOperator(
            task_id="task", cache_names=["{{ params.n }}", "level-{{ params.n }}", "1e3\n"], worker_pool_id="a/b"
        )
    task.render_template_fields({"params": {"n": "1_0"}})
    assert task.cache_names == ["1_0", "level-1_0", "1e3"]


@pytest.mark.usefixtures("database")
def test_results_flow_through_mapped_tasks_and_functions_with_native_rendering(tc, load_test_dag, tmp_path):
    dag_run = load_test_dag("mapped_tasks").test(run_conf={"folder": str(tmp_path), "number": 7})
    states = {(ti.task_id, ti.map_index): str(ti.state) for ti in dag_run.get_task_instances()}
    assert set(states.values()) == {"success"}, states
    assert len([task for task, _ in states if task == "download"]) == 3
    assert sorted(path.read_text() for path in tmp_path.glob("*.txt")) == ["0", "1", "2"]
    assert (tmp_path / "7").read_text() == "9"


def states(dag_run):
    return {(ti.task_id, ti.map_index): str(ti.state) for ti in dag_run.get_task_instances()}


@pytest.mark.usefixtures("database")
def test_every_one_of_them_runs_mapped(worker, taskcluster_worker, made_hook, load_test_dag, tmp_path):
    routes = ["index.every-kind.a", "index.every-kind.b"]
    done = worker.run_task(artifacts={"public/a": b"a", "public/b": b"b"}, routes=routes).task_id
    running = worker.claim(worker.create_task()).task_id
    (tmp_path / "up").mkdir()
    (tmp_path / "up" / "file").write_text("text")
    dag = load_test_dag("every_kind_mapped")
    mapped = [task for task in dag.tasks if hasattr(task, "partial_kwargs")]
    of_kind = {task.operator_class: task.task_id for task in mapped}
    assert set(of_kind) == set(every_kind()), "map it in dags/every_kind_mapped.py"
    conf = {"done": done, "running": running, "folder": str(tmp_path), "queue": taskcluster_worker.task_queue_id}
    conf["hook_group"], conf["hook"] = made_hook(generic_worker_payload(["true"], max_run_time=60))
    ended = states(dag.test(run_conf=conf))
    assert set(ended.values()) == {"success"}, ended
    assert {(task_id, index) for task_id in of_kind.values() for index in (0, 1)} <= set(ended)


@pytest.mark.usefixtures("database", "tc")
def test_functions_that_return_what_the_hook_returned_are_overridden(load_test_dag):
    dag = load_test_dag("overridden_functions")
    asset = dag.get_task("changed").outlets[0]
    options = {name: dag.get_task(name) for name in ("publish", "changed", "mapped", "grouped.publish")}
    assert {name: task.retries for name, task in options.items()} == {
        "publish": 1,
        "changed": 7,
        "mapped": 7,
        "grouped.publish": 1,
    }
    assert options["changed"].retry_delay == options["mapped"].retry_delay == timedelta(seconds=3)
    assert (asset.uri, options["publish"].outlets) == ("airflow-demo-upload", [])
    dag_run = dag.test()
    assert set(states(dag_run).values()) == {"success"}, states(dag_run)
    instances = {(ti.task_id, ti.map_index): ti for ti in dag_run.get_task_instances()}
    ti = instances["changed", -1]
    assert ti.xcom_pull(task_ids="changed")["name"] == "overridden/changed"
    mapped = [ti.xcom_pull(task_ids="mapped", map_indexes=index) for index in range(2)]  # all at once fails in 3.1
    assert [found["name"] for found in mapped] == ["overridden/one", "overridden/two"]
    sizes = [ti.xcom_pull(task_ids=name) for name in ("size", "size_changed", "grouped.size")]
    assert sizes == [4, 4, 4]

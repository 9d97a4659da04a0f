"""Arguments that cannot work are import errors of a DAG file; what Airflow renders is checked when it is rendered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException, task

from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.operators.artifact_uploads import TaskclusterUploadArtifactOperator
from airflow_provider_taskcluster.operators.artifacts import TaskclusterDownloadArtifactOperator
from airflow_provider_taskcluster.operators.folders import TaskclusterUploadFolderOperator
from airflow_provider_taskcluster.operators.groups import TaskclusterRunTaskGroupOperator
from airflow_provider_taskcluster.operators.hooks import TaskclusterTriggerHookOperator
from airflow_provider_taskcluster.operators.objects import (
    TaskclusterDownloadObjectOperator,
    TaskclusterUploadObjectOperator,
)
from airflow_provider_taskcluster.operators.payloads import TaskclusterDownloadPayloadOperator
from airflow_provider_taskcluster.operators.purge_cache import TaskclusterPurgeCacheOperator
from airflow_provider_taskcluster.operators.run_task import TaskclusterRunTaskOperator
from airflow_provider_taskcluster.operators.tasks import (
    TaskclusterCancelTaskOperator,
    TaskclusterIndexTaskOperator,
    TaskclusterRerunTaskOperator,
)
from airflow_provider_taskcluster.sensors.artifacts import TaskclusterArtifactSensor
from airflow_provider_taskcluster.sensors.index import TaskclusterIndexSensor
from airflow_provider_taskcluster.sensors.objects import TaskclusterObjectSensor
from airflow_provider_taskcluster.sensors.tasks import TaskclusterTaskGroupSensor, TaskclusterTaskSensor

DAY = timedelta(days=1)
TASK = "fN1SbArXTPSVFNUvaOlinQ"
TEMPLATE = "{{ params.x }}"
USUAL = {
    TaskclusterUploadObjectOperator: {"name": "a", "data": "b", "expires": DAY},
    TaskclusterDownloadObjectOperator: {"name": "a", "destination": "/nowhere/a"},
    TaskclusterUploadArtifactOperator: {
        "taskcluster_task_id": TASK,
        "run_id": 0,
        "name": "public/a",
        "data": "b",
        "expires": DAY,
    },
    TaskclusterDownloadArtifactOperator: {"taskcluster_task_id": TASK, "name": "public/a", "destination": "/nowhere/a"},
    TaskclusterDownloadPayloadOperator: {"taskcluster_task_id": TASK, "destination": "/nowhere"},
    TaskclusterUploadFolderOperator: {"folder": "/nowhere", "prefix": "a", "expires": DAY},
    TaskclusterPurgeCacheOperator: {"cache_names": "a", "worker_pool_id": "a/b"},
    TaskclusterRunTaskOperator: {"task_queue_id": "a/b", "payload": {"command": [["true"]]}},
    TaskclusterTriggerHookOperator: {"hook_group_id": "g", "hook_id": "h", "token_field": "token"},
    TaskclusterRunTaskGroupOperator: {"tasks": {"a": {"payload": {}}}},
    TaskclusterCancelTaskOperator: {"taskcluster_task_id": TASK},
    TaskclusterRerunTaskOperator: {"taskcluster_task_id": TASK},
    TaskclusterIndexTaskOperator: {"index_path": "a.b", "taskcluster_task_id": TASK, "expires": DAY},
    TaskclusterArtifactSensor: {"taskcluster_task_id": TASK, "name": "public/a"},
    TaskclusterObjectSensor: {"name": "a"},
    TaskclusterIndexSensor: {"index_path": "a.b"},
    TaskclusterTaskSensor: {"taskcluster_task_id": TASK},
    TaskclusterTaskGroupSensor: {"task_group_id": TASK},
}
UPLOADS = (TaskclusterUploadObjectOperator, TaskclusterUploadFolderOperator, TaskclusterUploadArtifactOperator)
DOWNLOADS = (
    TaskclusterDownloadObjectOperator,
    TaskclusterDownloadArtifactOperator,
    TaskclusterDownloadPayloadOperator,
)
OF_ARTIFACTS = (TaskclusterDownloadArtifactOperator, TaskclusterDownloadPayloadOperator)
OF_STATES = (TaskclusterTaskSensor, TaskclusterTaskGroupSensor)
SENSORS = (TaskclusterArtifactSensor, TaskclusterObjectSensor, TaskclusterIndexSensor, *OF_STATES)
FLAGS_OF_SENSORS = ("deferrable", "soft_fail", "silent_fail", "never_fail", "exponential_backoff")
WHOLE, ANY_NUMBER = "pass a whole number, 1 or more", "pass a whole number, 0 or more"
REASONS = "'invalid-resource-on-worker', 'too-large-file-on-worker'"
GROUP = (TaskclusterRunTaskGroupOperator,)
TOGETHER = {"source", "data", "url", "worker_pool_id", "worker_type", "name"}
TOGETHER |= {"payload", "payload_file", "task_queue_id", "download"}
FLAG = "pass True or False"
# Operators, an argument, values that it cannot have, and what is said of them.
WRONG = [
    (UPLOADS, "expires", [datetime(2030, 1, 1), "2030-01-01"], "expires must be a datetime with a time zone"),  # noqa: DTZ001
    (UPLOADS, "expires", ["tomorrow", ""], "which is not an ISO date and time, such as 2026-01-31T12:00:00Z"),
    (UPLOADS, "expires", [None, 3600], "expires must be a timedelta or a datetime with a time zone"),
    (UPLOADS, "expires", [timedelta(), -DAY], "which is past"),
    (UPLOADS, "expires", [timedelta.max], "leads too far"),
    (UPLOADS[:2], "if_exists", ["maybe", None], "pass 'verify', 'fail' or 'skip'"),
    (UPLOADS[:1], "multipart", ["sometimes", True], "pass 'auto', 'never' or 'always'"),
    (UPLOADS[:1], "multipart_threshold", ["5 GiB", -1, None], "pass a number of bytes"),
    (UPLOADS[:1], "part_size", [0, "64 MiB", 1.5], "pass a number of bytes, or a function that returns one"),
    ((*UPLOADS[:2], *DOWNLOADS), "connections", [0, -1, "many", 1.5, True, None], WHOLE),
    (DOWNLOADS[2:], "files", [0, "many"], WHOLE),
    (DOWNLOADS, "max_bytes", [-1, "1 GiB", 0.5], ANY_NUMBER),
    (DOWNLOADS, "require_hashes", ["no", None], FLAG),
    (DOWNLOADS[:1], "multipart_aware", ["no"], FLAG),
    (DOWNLOADS, "extract_to", ["s3://bucket/a"], "an archive is extracted from and to paths of this machine"),
    (OF_ARTIFACTS, "verify", ["sometimes"], "verify is 'sometimes': pass 'hashes' or 'chain_of_trust'"),
    (OF_ARTIFACTS, "allow_reference", ["example.com", None], "pass True, False or a list of hosts"),
    (OF_ARTIFACTS, "allow_reference", [["https://example.com"]], "allow_reference has 'https://example.com'"),
    ((*OF_ARTIFACTS, TaskclusterArtifactSensor), "run_id", ["first", -1, 1.5], "pass the number of a run"),
    (DOWNLOADS[1:2], "digests", [["md6"]], "use one of blake2b, blake2s, md5, "),
    (DOWNLOADS[1:2], "digests", ["sha256"], "pass a list of names"),
    (DOWNLOADS[2:], "if_none", ["ignore"], "if_none is 'ignore': pass 'fail', 'skip' or 'succeed'"),
    (DOWNLOADS[2:], "if_exists", ["skip"], "pass 'verify', 'overwrite' or 'fail'"),
    (DOWNLOADS[2:], "on_error", ["ignore"], "pass 'fail' or 'continue'"),
    (UPLOADS[2:], "run_id", ["latest", None], "an artifact is of a certain run; pass its number"),
    (UPLOADS[2:], "storage_type", ["gcs"], "pass 'object' or 's3'"),
    (
        *(UPLOADS[2:], "error_reason", ["gone"]),
        f"pass 'file-missing-on-worker', {REASONS} or 'file-not-readable-on-worker'",
    ),
    (UPLOADS[:1], "source", ["/etc/hostname"], "give either source (a path) or data"),
    (UPLOADS[:1], "data", [None], "give either source (a path) or data"),
    (UPLOADS[2:], "url", ["https://example.com"], "there is url and data"),
    (UPLOADS[2:], "data", [None], "one of source, data, url, link_to and error; there is nothing"),
    ((TaskclusterPurgeCacheOperator,), "worker_pool_id", [None, ""], "Name the worker pool by worker_pool_id, or by"),
    ((TaskclusterPurgeCacheOperator,), "worker_type", ["b"], "Name the worker pool by worker_pool_id, or by"),
    ((TaskclusterRunTaskOperator,), "payload_file", ["a.json"], "give either payload or payload_file"),
    ((TaskclusterRunTaskOperator,), "payload", [None], "needs something to run: give task_queue_id with payload or"),
    ((TaskclusterRunTaskOperator,), "task_queue_id", [None], "needs something to run: give task_queue_id with payload"),
    ((TaskclusterRunTaskOperator,), "deadline", [3600, None, timedelta()], "pass a timedelta above zero"),
    ((TaskclusterRunTaskOperator,), "expires", [3600, "tomorrow", -DAY], "pass a timedelta above zero"),
    ((TaskclusterRunTaskOperator,), "task_retries", [-1, "many", 1.5], ANY_NUMBER),
    ((TaskclusterRunTaskOperator,), "task_retries", [50], "the queue retries a task 49 times at most"),
    ((TaskclusterRunTaskOperator,), "retry_on", ["faild", ["failed", "done"]], "retry_on is '"),
    ((TaskclusterRunTaskOperator,), "on_kill", ["stop", None], "pass 'cancel' or 'leave'"),
    ((TaskclusterRunTaskOperator,), "log", ["all", None], "pass 'live', 'tail' or 'none'"),
    ((TaskclusterRunTaskOperator,), "log_lines", [0, "all"], WHOLE),
    ((TaskclusterRunTaskOperator,), "download", ["public/*"], "download and destination belong together"),
    ((TaskclusterRunTaskOperator,), "poll_interval", [0, "soon"], "poll_interval"),
    (GROUP, "tasks", [{}, [], {"a": {}}, {"a": []}], "tasks"),
    (GROUP, "tasks", [{"a": {"payload": {}, "dependencies": ["b"]}}], "neither a label of the graph nor the id of a"),
    (GROUP, "tasks", [{"a": {"payload": {}, "dependencies": ["a"]}}], "The dependencies go in a circle"),
    (GROUP, "tasks", [{"a": {"payload": {}, "metadata": {"nme": "b"}}}], "it takes name, description, owner, source"),
    (GROUP, "deadline", [3600, None, timedelta()], "pass a timedelta above zero"),
    (GROUP, "expires", [3600, "tomorrow", -DAY], "pass a timedelta above zero"),
    (GROUP, "retry_on", ["faild", ["failed", "done"]], "retry_on is '"),
    (GROUP, "on_kill", ["stop", None], "pass 'cancel' or 'leave'"),
    (GROUP, "poll_interval", [0, "soon"], "poll_interval"),
    (GROUP, "fail_fast", ["yes", None], FLAG),
    (GROUP, "deferrable", ["yes", None], FLAG),
    ((TaskclusterRunTaskOperator,), "rerun", ["yes", None], FLAG),
    ((TaskclusterRunTaskOperator,), "deferrable", ["yes", None], FLAG),
    ((TaskclusterTriggerHookOperator,), "hook_group_id", ["a/b", ""], "is not the id of a group of hooks"),
    ((TaskclusterTriggerHookOperator,), "hook_id", ["a b", ""], "is not the id of a hook"),
    ((TaskclusterTriggerHookOperator,), "payload", [["a"], 3], "pass a dict"),
    ((TaskclusterTriggerHookOperator,), "payload", [{"taskId": "x"}], "payload has a taskId"),
    ((TaskclusterTriggerHookOperator,), "token_field", ["taskId"], "name a field of its own"),
    ((TaskclusterTriggerHookOperator,), "if_none", ["ignore", None], "pass 'fail', 'skip' or 'succeed'"),
    ((TaskclusterTriggerHookOperator,), "rerun", ["yes", None], FLAG),
    ((TaskclusterCancelTaskOperator,), "if_missing", ["ignore", None], "pass 'fail', 'skip' or 'succeed'"),
    ((TaskclusterIndexTaskOperator,), "expires", [None, 3600, "2030-01-01"], "expires must be a "),
    ((TaskclusterIndexTaskOperator,), "expires", ["tomorrow"], "which is not an ISO date and time"),
    ((TaskclusterIndexTaskOperator,), "expires", [timedelta(), -DAY], "which is past: it would be gone at once"),
    ((TaskclusterIndexTaskOperator,), "rank", [-1, 1.5, "high", None, True], "pass a whole number, 0 or more"),
    ((TaskclusterIndexTaskOperator,), "data", [[1], "text", 5], "pass a dict"),
    ((TaskclusterArtifactSensor,), "name", [None, ""], "pass the name of an artifact, or a glob"),
    ((TaskclusterArtifactSensor,), "min_length", [-1, "1 kB"], "pass a number of bytes"),
    ((TaskclusterArtifactSensor,), "check_fn", ["is_good", 1], "pass a function"),
    ((TaskclusterArtifactSensor,), "verify_content", ["yes"], FLAG),
    ((TaskclusterArtifactSensor, TaskclusterObjectSensor, OF_STATES[0]), "require", ["some"], "pass 'all' or 'any'"),
    ((TaskclusterArtifactSensor, *OF_STATES), "wait_for_rerun", ["no", None], FLAG),
    (
        *(OF_STATES[:1], "states", ["done", ["failed", "done"]]),
        "states is 'done': pass 'unscheduled', 'pending', 'running', 'completed', 'failed' or 'exception'",
    ),
    (OF_STATES[1:], "states", ["running"], "states is 'running': pass 'completed', 'failed' or 'exception'"),
    (OF_STATES, "states", [[]], "states holds no name"),
    ((TaskclusterIndexSensor,), "newer_than", [datetime(2026, 1, 1), "2026-01-01"], "a datetime with a time zone"),  # noqa: DTZ001
    *((SENSORS, name, ["no", 1, None], FLAG) for name in FLAGS_OF_SENSORS),
    (tuple(USUAL), "connect_timeout", [0, "soon"], "write a number of seconds above 0"),
    (tuple(USUAL), "read_timeout", [-1], "write a number of seconds above 0"),
    (tuple(USUAL), "max_retries", [-1, "many"], ANY_NUMBER),
]
CASES = [
    pytest.param(kind, name, value, sentence, id=f"{kind.__name__}-{name}={value!r}")
    for kinds, name, values, sentence in WRONG
    for kind in kinds
    for value in values
]


@pytest.fixture
def dag():
    with DAG("checked", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)) as dag:
        yield dag


@pytest.mark.parametrize(("kind", "name", "value", "sentence"), CASES)
def test_what_cannot_work_is_an_error_of_the_constructor(kind, name, value, sentence):
    with pytest.raises(InvalidInput) as caught:
        kind(task_id="task", **{**USUAL[kind], name: value})
    assert sentence in str(caught.value)
    assert "template" not in str(caught.value)


def test_a_dag_file_with_it_is_an_import_error_with_the_sentence(tmp_path):
    from airflow.models.dagbag import DagBag

    (tmp_path / "wrong.py").write_text(
        "from airflow.providers.common.compat.sdk import DAG\n"
        "from airflow_provider_taskcluster.operators.objects import TaskclusterDownloadObjectOperator\n"
        "with DAG('wrong', schedule=None, default_args={'connections': 0}):\n"
        "    TaskclusterDownloadObjectOperator(task_id='task', name='a', destination='b')\n"
    )
    [error] = DagBag(tmp_path).import_errors.values()
    assert "connections is 0: pass a whole number, 1 or more" in error


@pytest.mark.parametrize(
    ("kind", "name", "value", "sentence"),
    [case for case in CASES if case.values[1] not in TOGETHER],
)
def test_what_is_mapped_is_checked_but_for_what_expands(dag, kind, name, value, sentence):
    with pytest.raises(InvalidInput) as caught:
        kind.partial(task_id="task", **{**USUAL[kind], name: value})
    assert sentence in str(caught.value)
    for given in ({name: value}, USUAL[kind]):  # what is mapped, and what depends on it, comes later
        mapped = {key: value for key, value in USUAL[kind].items() if key not in given}
        others = kind.partial(task_id=f"task_{len(dag.tasks)}", **mapped)
        assert others.expand(**{key: [value] for key, value in given.items()}).operator_class is kind


@pytest.mark.parametrize("kind", USUAL)
def test_what_airflow_renders_is_left_alone(dag, kind):
    @task
    def before():
        return "x"

    xcom = before()
    fields = [name for name in kind.template_fields if name in USUAL[kind]]
    for rendered in (TEMPLATE, "{% if x %}a{% endif %}", xcom, before.override(task_id="b")()["x"]):
        kind(task_id=f"task_{len(dag.tasks)}", **{**USUAL[kind], **dict.fromkeys(fields, rendered)})
    optional = {"expires", "run_id", "newer_than", "min_length", "source", "glob"} & set(kind.template_fields)
    kind(task_id="optional", **{**USUAL[kind], **dict.fromkeys(optional, TEMPLATE)})


def test_an_argument_that_airflow_does_not_render_says_so():
    with pytest.raises(InvalidInput, match=r"connections is .*pass a whole number.*Airflow renders no templates in"):
        TaskclusterDownloadObjectOperator(task_id="task", name="a", destination="b", connections=TEMPLATE)


def test_a_class_of_the_users_may_render_more():
    class Templated(TaskclusterDownloadObjectOperator):
        template_fields = (*TaskclusterDownloadObjectOperator.template_fields, "connections")

    assert Templated(task_id="task", name="a", destination="b", connections=TEMPLATE).connections == TEMPLATE


def ended(tc, kind, rendered, **arguments):
    """Return the error of a task whose templates were rendered to given values."""
    one = kind(task_id="task", **{**USUAL[kind], **arguments, **dict.fromkeys(rendered, TEMPLATE)})
    context = {"params": {}, "dag_run": SimpleNamespace(start_date=datetime.now(UTC))}
    for name, value in rendered.items():
        setattr(one, name, value)
    calls = len(list(tc.journal))
    with pytest.raises(AirflowFailException) as caught:
        one.poke(context) if hasattr(one, "poke") else one.execute(context)
    assert len(list(tc.journal)) == calls
    return str(caught.value)


@pytest.mark.parametrize("nothing", ["", "None", None])
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (kind, name)
        for kind, given in USUAL.items()
        for name in given
        if name in kind.template_fields and name not in {"data", "worker_pool_id", "task_queue_id", "payload"}
        if not (kind is TaskclusterArtifactSensor and name == "name")
    ],
)
def test_an_argument_whose_template_rendered_to_nothing_says_so(tc, kind, name, nothing):
    assert f"{name} is {nothing!r}: did a template render to nothing?" in ended(tc, kind, {name: nothing})


@pytest.mark.parametrize("kind", USUAL)
def test_so_does_a_connection_id(tc, kind):
    assert "taskcluster_conn_id is '': did a template render to nothing?" in ended(
        tc, kind, {"taskcluster_conn_id": ""}
    )


@pytest.mark.parametrize("nothing", ["", None, "None"])
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (TaskclusterPurgeCacheOperator, "cache_names"),
        (TaskclusterObjectSensor, "name"),
        (TaskclusterArtifactSensor, "glob"),
        (TaskclusterTaskSensor, "taskcluster_task_id"),
        (TaskclusterDownloadPayloadOperator, "include"),
    ],
)
def test_so_does_one_of_several(tc, kind, name, nothing):
    said = ended(tc, kind, {name: ["a", nothing]})
    assert f"{name} holds an empty value, ['a', {nothing!r}]: did a template render to nothing?" in said


@pytest.mark.parametrize("nothing", [[], "[]"])
def test_so_does_an_empty_list(tc, nothing):
    said = ended(tc, TaskclusterPurgeCacheOperator, {"cache_names": nothing})
    assert f"cache_names is {nothing!r}: did a template render to nothing?" in said


@pytest.mark.parametrize("nothing", ["", "None", None])
@pytest.mark.parametrize(
    ("kind", "name", "arguments"),
    [
        (TaskclusterUploadObjectOperator, "source", {"data": None}),
        (TaskclusterUploadArtifactOperator, "error", {"data": None}),
        (TaskclusterPurgeCacheOperator, "worker_pool_id", {}),
        (TaskclusterRunTaskOperator, "task_queue_id", {}),
        (TaskclusterRunTaskOperator, "payload_file", {"payload": None}),
        (TaskclusterArtifactSensor, "name", {}),
    ],
)
def test_one_of_several_that_rendered_to_nothing_is_named(tc, kind, name, arguments, nothing):
    assert f"({name}: did a template render to nothing?)" in ended(tc, kind, {name: nothing}, **arguments)


@pytest.mark.parametrize("nothing", ["", "None", None])
def test_a_digest_that_rendered_to_nothing_is_not_left_out(tc, nothing):
    said = ended(tc, TaskclusterObjectSensor, {"expected_digest": nothing})
    assert f"expected_digest is {nothing!r}: did a template render to nothing?" in said


@pytest.mark.parametrize(
    ("digest", "sentence"), [("sha256", "write it as sha256:<hex>"), ("a:b", "one for many objects")]
)
def test_a_digest_that_cannot_be_compared_is_refused(tc, digest, sentence):
    name = "a" if digest == "sha256" else ["a", "b"]
    assert sentence in ended(tc, TaskclusterObjectSensor, {"expected_digest": digest}, name=name)


def test_an_argument_that_may_be_left_out_is_when_its_template_rendered_to_none(tc):
    upload = TaskclusterUploadObjectOperator(
        task_id="task", **{**USUAL[TaskclusterUploadObjectOperator], "project_id": TEMPLATE}
    )
    upload.project_id = "None"  # as Jinja writes it
    upload.check_rendered()
    assert upload.project_id is None


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (TaskclusterUploadObjectOperator, "expires", "2030-01-01"),
        (TaskclusterDownloadArtifactOperator, "run_id", "first"),
        (TaskclusterArtifactSensor, "min_length", "many"),
        (TaskclusterIndexSensor, "newer_than", "yesterday"),
    ],
)
def test_what_is_rendered_to_what_cannot_work_fails_for_good(tc, kind, name, value):
    assert f"{name} " in ended(tc, kind, {name: value})


@pytest.mark.usefixtures("database", "tc")
def test_a_running_task_with_a_wrong_argument_fails_for_good_and_others_go_on(load_test_dag, tmp_path):
    run = load_test_dag("rendered_arguments").test(run_conf={"folder": str(tmp_path), "nothing": ""})
    states = {(ti.task_id, ti.map_index): str(ti.state) for ti in run.get_task_instances()}
    assert states == {
        ("upload", -1): "success",  # its optional arguments were left out, on Airflow 2 as well
        ("mapped", 0): "success",
        ("mapped", 1): "failed",  # not up_for_retry
        ("empty", -1): "failed",
    }

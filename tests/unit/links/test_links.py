"""Where the links of operators and sensors lead."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from airflow.providers.common.compat.sdk import BaseOperatorLink

from airflow_provider_taskcluster import get_provider_info
from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.links import taskcluster as links
from airflow_provider_taskcluster.links.base import TaskclusterLink, leave_links
from airflow_provider_taskcluster.operators.artifacts import TaskclusterDownloadArtifactOperator
from airflow_provider_taskcluster.operators.tasks import TaskclusterCancelTaskOperator
from airflow_provider_taskcluster.sensors.index import TaskclusterIndexSensor
from airflow_provider_taskcluster.sensors.objects import TaskclusterObjectSensor
from airflow_provider_taskcluster.sensors.tasks import TaskclusterTaskGroupSensor, TaskclusterTaskSensor

ROOT = "https://tc.example.com"
TASK = "fN1SbArXTPSVFNUvaOlinQ"


def artifact(name="public/a b.zip", run_id=None, task_id=TASK):
    return TaskclusterDownloadArtifactOperator(
        task_id="task", taskcluster_task_id=task_id, name=name, destination="x", run_id=run_id
    )


@pytest.mark.parametrize(
    ("link", "task", "path"),
    [
        (links.TaskclusterTaskLink, artifact(), f"tasks/{TASK}"),
        (links.TaskclusterTaskLink, artifact(run_id="latest"), f"tasks/{TASK}"),
        (links.TaskclusterTaskLink, artifact(run_id="2"), f"tasks/{TASK}/runs/2"),
        (links.TaskclusterArtifactLink, artifact(run_id=0), f"tasks/{TASK}/runs/0/public%2Fa%20b.zip"),
        (links.TaskclusterArtifactLink, artifact(), f"api/queue/v1/task/{TASK}/artifacts/public%2Fa%20b.zip"),
        (links.TaskclusterArtifactLink, artifact(name="private/a"), f"tasks/{TASK}"),
        (links.TaskclusterArtifactLink, artifact(name="private/a", run_id=1), f"tasks/{TASK}/runs/1/private%2Fa"),
        (
            links.TaskclusterObjectLink,
            TaskclusterObjectSensor(task_id="task", name="a/b #1?+%"),
            "api/object/v1/download/a%2Fb%20%231%3F%2B%25",
        ),
        (links.TaskclusterArtifactLink, artifact(name="['a']", run_id=0), f"tasks/{TASK}/runs/0/%5B%27a%27%5D"),
        (links.TaskclusterPurgeCachesLink, None, "purge-caches"),
        (links.TaskclusterTaskLink, TaskclusterTaskSensor(task_id="task", taskcluster_task_id=TASK), f"tasks/{TASK}"),
        (links.TaskclusterTaskLink, TaskclusterTaskSensor(task_id="task", taskcluster_task_id=[TASK]), f"tasks/{TASK}"),
        (
            links.TaskclusterTaskGroupLink,
            TaskclusterTaskGroupSensor(task_id="task", task_group_id=TASK),
            f"tasks/groups/{TASK}",
        ),
        (
            links.TaskclusterIndexLink,
            TaskclusterIndexSensor(task_id="task", index_path="team.builds.latest"),
            "tasks/index/team.builds/latest",
        ),
        (links.TaskclusterIndexLink, TaskclusterIndexSensor(task_id="task", index_path="latest"), "tasks/index/latest"),
        (
            links.TaskclusterTaskLink,
            TaskclusterCancelTaskOperator(task_id="task", taskcluster_task_id=[TASK]),
            f"tasks/{TASK}",
        ),
    ],
)
def test_a_link_leads_to_the_page_in_taskcluster(link, task, path):
    assert link().url(ROOT, task) == f"{ROOT}/{path}"


@pytest.mark.parametrize(
    ("link", "task"),
    [
        (links.TaskclusterTaskLink, TaskclusterTaskSensor(task_id="task", taskcluster_task_id=[TASK, TASK])),
        (links.TaskclusterTaskLink, TaskclusterCancelTaskOperator(task_id="task", taskcluster_task_id=[TASK, TASK])),
        (links.TaskclusterObjectLink, TaskclusterObjectSensor(task_id="task", name=["a", "b"])),
        (links.TaskclusterObjectLink, TaskclusterObjectSensor(task_id="task", name='["a", "b"]')),
    ],
)
def test_many_things_have_no_address_in_common(link, task):
    assert link().url(ROOT, task) is None


@pytest.mark.parametrize(
    "task", [artifact(task_id="{{ x }}"), artifact(run_id="{{ x }}"), artifact(name="../../admin")]
)
def test_what_is_no_name_of_a_thing_has_no_address(task):
    with pytest.raises(InvalidInput):
        links.TaskclusterArtifactLink().url(ROOT, task)


def test_a_link_to_an_object_is_the_url_that_the_hook_gives(monkeypatch):
    from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook

    monkeypatch.setenv("TASKCLUSTER_ROOT_URL", ROOT)
    task = TaskclusterObjectSensor(task_id="task", name="a/b #1?+%", taskcluster_conn_id="none")
    assert links.TaskclusterObjectLink().url(ROOT, task) == TaskclusterHook("none").object_url("a/b #1?+%")


def test_the_metadata_list_every_link_and_keys_and_names_are_unique():
    """Airflow 2.11 refuses a DAG with a link that is not listed."""
    kinds = [kind for kind in vars(links).values() if isinstance(kind, type) and issubclass(kind, TaskclusterLink)]
    kinds.remove(TaskclusterLink)
    assert {f"{kind.__module__}.{kind.__qualname__}" for kind in kinds} == set(get_provider_info()["extra-links"])
    assert len({kind.key for kind in kinds}) == len({kind.name for kind in kinds}) == len(kinds)


def test_links_of_others_are_left_alone(monkeypatch):
    class Other(BaseOperatorLink):
        name = "other"

        def get_link(self, operator, *, ti_key):
            return ROOT

    class Linked(TaskclusterCancelTaskOperator):
        operator_extra_links = (Other(), *TaskclusterCancelTaskOperator.operator_extra_links)

    monkeypatch.setenv("TASKCLUSTER_ROOT_URL", ROOT)
    task = Linked(task_id="task", taskcluster_task_id=TASK, taskcluster_conn_id="none")
    leave_links(task, {"ti": SimpleNamespace(xcom_push=lambda **_: None)})
    assert list(task.addresses.values()) == [f"{ROOT}/tasks/{TASK}"]

"""The status of tasks, by single calls."""

from __future__ import annotations

import pytest
import taskcluster

from airflow_provider_taskcluster.exceptions import InsufficientScopes, NotFound
from airflow_provider_taskcluster.services.index import Index
from airflow_provider_taskcluster.services.runner import run
from airflow_provider_taskcluster.services.tasks import Tasks


@pytest.fixture
def tasks(hook):
    return Tasks(hook.client)


@pytest.fixture
def scopeless(tc, connect):
    """Calls of a client that holds what a test gives it, in a deployment that grants nothing to everybody."""
    before, tc.anonymous_scopes = tc.anonymous_scopes, []

    def make(*scopes):
        token = tc.add_client("tests/scopeless", list(scopes))
        return connect("tc_scopeless", login="tests/scopeless", password=token).client

    yield make
    tc.anonymous_scopes = before


def listed(pages):
    async def collect():
        return [page async for page in pages]

    return run(collect())


def test_a_task_has_a_state_and_runs(tc, tasks):
    (task_id,) = tc.bulk.create(1, state="failed")
    status = run(tasks.status(task_id))
    assert (status["taskId"], status["state"], status["runs"][-1]["reasonResolved"]) == (task_id, "failed", "failed")
    with pytest.raises(NotFound):
        run(tasks.status(taskcluster.slugId()))


def test_many_tasks_are_asked_for_in_one_request_and_unknown_ones_are_left_out(tc, tasks):
    task_ids = tc.bulk.create(1000)
    with tc.journal.recording() as seen:
        found = run(tasks.statuses([*task_ids[1:], taskcluster.slugId()]))
    assert set(found) == set(task_ids[1:])
    assert all(status["taskId"] == task_id for task_id, status in found.items())
    assert len(seen) == 1


def test_more_than_a_page_comes_in_pages(tc, tasks):
    task_ids = tc.bulk.create(1001)
    with tc.journal.recording() as seen:
        assert set(run(tasks.statuses(task_ids))) == set(task_ids)
    assert len(seen) == 2


def test_no_tasks_have_no_statuses(tasks):
    assert run(tasks.statuses([])) == {}


def test_one_missing_scope_refuses_the_statuses_of_all(tc, scopeless):
    mine, other = tc.bulk.create(2)
    limited = Tasks(scopeless(f"queue:status:{mine}"))
    assert set(run(limited.statuses([mine]))) == {mine}
    with pytest.raises(InsufficientScopes, match=other):
        run(limited.statuses([mine, other]))


def test_a_group_is_listed_page_by_page(tc, tasks):
    task_group_id = taskcluster.slugId()
    task_ids = tc.bulk.create(401, taskGroupId=task_group_id)
    pages = listed(tasks.group(task_group_id))
    assert [len(page) for page in pages] == [200, 200, 1]
    assert {status["taskId"] for page in pages for status in page} == set(task_ids)
    with pytest.raises(NotFound):
        listed(tasks.group(taskcluster.slugId()))


def test_a_group_needs_its_scope(tc, scopeless):
    (task_id,) = tc.bulk.create(1)
    with pytest.raises(InsufficientScopes, match=f"queue:list-task-group:{task_id}"):
        listed(Tasks(scopeless()).group(task_id))


def test_the_index_knows_the_task_at_a_path(tc, hook):
    index = Index(hook.client)
    with pytest.raises(NotFound):
        run(index.find_task("tests.services"))
    options = {"rank": 7, "data": {"revision": "abc"}}
    (task_id,) = tc.bulk.create(1, state="completed", routes=["index.tests.services"], extra={"index": options})
    found = run(index.find_task("tests.services"))
    assert (found["taskId"], found["rank"], found["data"]) == (task_id, 7, {"revision": "abc"})
    with tc.clock.advanced(days=11), pytest.raises(NotFound):
        run(index.find_task("tests.services"))


def test_many_index_paths_are_asked_for_in_one_request_and_unknown_ones_are_left_out(tc, hook):
    tasks = {
        f"tests.many.{n}": tc.bulk.create(1, state="completed", routes=[f"index.tests.many.{n}"]) for n in range(3)
    }
    tc.journal.clear()
    found = run(Index(hook.client).find_tasks([*tasks, "tests.many.none"]))
    assert {path: [entry["taskId"]] for path, entry in found.items()} == tasks
    assert len(tc.journal) == 1


def test_one_missing_scope_refuses_all_index_paths(scopeless):
    with pytest.raises(InsufficientScopes, match=r"index:find-task:tests\.b"):
        run(Index(scopeless("index:find-task:tests.a")).find_tasks(["tests.a", "tests.b"]))

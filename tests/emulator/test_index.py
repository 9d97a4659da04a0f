"""The index: tasks by path, inserted by their routes or by a call."""

from __future__ import annotations

import pytest
import taskcluster
from emulator_clients import Clients, fresh, http, in_days, pages, refused


def entry(task_id=None, **changed):
    return {"taskId": task_id or taskcluster.slugId(), "rank": 0, "data": {}, "expires": in_days(1), **changed}


def names(listed):
    return [item["namespace"] for item in listed]


def test_a_task_is_indexed_under_its_routes_when_it_completes(root, worker):
    path, other = fresh("tests.builds"), fresh("tests.latest")
    run = worker.claim(worker.create_task(routes=[f"index.{path}", f"index.{other}", "elsewhere.x"]))
    with refused(404, "ResourceNotFound"):
        root.index.findTask(path)
    run.complete()
    for indexed in (path, other):
        found = root.index.findTask(indexed)
        assert (found["namespace"], found["taskId"], found["rank"], found["data"]) == (indexed, run.task_id, 0, {})
        assert found["expires"] == root.queue.task(run.task_id)["expires"]


def test_many_paths_are_asked_for_at_once(root):
    paths = [fresh("tests.many") for _ in range(3)]
    for path in paths:
        root.index.insertTask(path, entry())
    root.index.insertTask(past := fresh("tests.past"), entry(expires=in_days(-1)))
    found = root.index.findTasksAtIndex({"indexes": [*paths, past, fresh("tests.none")]})["tasks"]
    assert sorted(names(found)) == sorted(paths)
    assert found[0] == root.index.findTask(found[0]["namespace"])
    assert root.index.findTasksAtIndex({"indexes": []}) == {"tasks": []}


def test_many_paths_come_in_pages(root):
    paths = [fresh("tests.pages") for _ in range(5)]
    for path in paths:
        root.index.insertTask(path, entry())
    first = root.index.findTasksAtIndex(payload={"indexes": paths}, query={"limit": 3})
    rest = root.index.findTasksAtIndex(
        payload={"indexes": paths}, query={"continuationToken": first["continuationToken"]}
    )
    assert sorted(names(first["tasks"]) + names(rest["tasks"])) == sorted(paths)


def test_a_path_that_is_named_twice_breaks_the_call(root):
    with refused(500, "InternalServerError"):
        root.index.findTasksAtIndex({"indexes": ["tests.twice", "tests.twice"]})


@pytest.mark.parametrize("how", ["fail", "exception"])
def test_a_task_that_does_not_complete_is_not_indexed(root, worker, how):
    path = fresh("tests.builds")
    getattr(worker.claim(worker.create_task(routes=[f"index.{path}"])), how)()
    with refused(404, "ResourceNotFound"):
        root.index.findTask(path)


def test_a_rerun_that_completes_is_indexed(root, worker):
    path = fresh("tests.builds")
    run = worker.claim(worker.create_task(routes=[f"index.{path}"]))
    run.fail()
    root.queue.rerunTask(run.task_id)
    worker.claim(run.task_id).complete()
    assert root.index.findTask(path)["taskId"] == run.task_id


def test_a_definition_says_rank_data_and_expiry(root, worker):
    path, expires = fresh("tests.builds"), in_days(2)
    wish = {"rank": 3, "data": {"revision": "abc"}, "expires": expires, "unknown": True}
    worker.run_task(routes=[f"index.{path}"], extra={"index": wish})
    found = root.index.findTask(path)
    assert (found["rank"], found["data"], found["expires"]) == (3, {"revision": "abc"}, expires)


@pytest.mark.parametrize(
    "wish", [{"rank": "high"}, {"rank": 1.5}, {"data": 5}, {"expires": "soon"}, {"rank": 10**30}], ids=repr
)
def test_a_wish_that_makes_no_sense_keeps_a_task_out_of_the_index_and_nothing_else(root, worker, wish):
    path = fresh("tests.builds")
    run = worker.claim(worker.create_task(routes=[f"index.{path}"], extra={"index": wish}))
    assert run.complete()["state"] == "completed"
    with refused(404, "ResourceNotFound"):
        root.index.findTask(path)


@pytest.mark.parametrize("route", ["index.", "index.a b", "index..a", "index.a/b", "indexed.a"])
def test_a_route_that_names_no_path_is_no_reason_to_fail(worker, route):
    assert worker.claim(worker.create_task(routes=[route])).complete()["state"] == "completed"


def test_the_highest_rank_stays_and_of_equal_ones_the_latest(root):
    path = fresh("tests.ranks")
    first, second, third = (taskcluster.slugId() for _ in range(3))
    assert root.index.insertTask(path, entry(first, rank=5))["taskId"] == first
    assert root.index.insertTask(path, entry(second, rank=4))["taskId"] == first
    assert root.index.insertTask(path, entry(third, rank=5))["taskId"] == third
    assert root.index.findTask(path)["taskId"] == third


def test_an_entry_that_expired_is_not_found(root):
    path = fresh("tests.expires")
    root.index.insertTask(path, entry(expires=in_days(1)))
    with root.tc.clock.advanced(days=2), refused(404, "ResourceNotFound"):
        root.index.findTask(path)


def test_a_deleted_task_is_not_found_and_nothing_of_a_lower_rank_comes_back(root):
    path = fresh("tests.deleted")
    for rank in (1, 2):
        root.index.insertTask(path, entry(rank=rank))
    root.index.deleteTask(path)
    with refused(404, "ResourceNotFound"):
        root.index.findTask(path)


def test_tasks_and_namespaces_are_listed_right_under_a_namespace(root):
    top = fresh("tests-tree")
    for path in ("b", "a", "deep.c", "deep.er.d", "other.e"):
        root.index.insertTask(f"{top}.{path}", entry())
    assert names(root.index.listTasks(top)["tasks"]) == [f"{top}.a", f"{top}.b"]
    assert names(root.index.listTasks(f"{top}.deep")["tasks"]) == [f"{top}.deep.c"]
    listed = root.index.listNamespaces(top)["namespaces"]
    assert [(item["name"], item["namespace"]) for item in listed] == [
        ("deep", f"{top}.deep"),
        ("other", f"{top}.other"),
    ]
    assert top in names(root.index.listNamespaces("")["namespaces"])
    assert root.index.listTasks(f"{top}.nowhere") == {"tasks": []}


def test_a_task_at_the_top_is_listed_under_the_empty_namespace(root):
    name = fresh("tests-top")
    root.index.insertTask(name, entry())
    assert name in names(root.index.listTasks("")["tasks"])


def test_a_namespace_lives_to_the_end_of_the_day_of_what_is_in_it(root):
    top = fresh("tests-days")
    for path, days in (("a.x", 3), ("a.y", 1)):
        root.index.insertTask(f"{top}.{path}", entry(expires=in_days(days)))
    (found,) = root.index.listNamespaces(top)["namespaces"]
    assert in_days(3) < found["expires"] <= in_days(4)


def test_lists_come_in_pages(root):
    top = fresh("tests-pages")
    for number in range(5):
        root.index.insertTask(f"{top}.{number}", entry())
        root.index.insertTask(f"{top}.{number}.x", entry())
    for call, key in ((root.index.listTasks, "tasks"), (root.index.listNamespaces, "namespaces")):
        found = [names(page[key]) for page in pages(lambda query, call=call: call(top, query=query))]
        assert [len(page) for page in found] == [2, 2, 1]
        assert [path for page in found for path in page] == [f"{top}.{number}" for number in range(5)]


def test_an_artifact_is_found_by_the_path_of_its_task(anonymous, worker):
    path = fresh("tests.artifacts")
    worker.run_task({"public/a": b"hello"}, routes=[f"index.{path}"])
    status, headers, _ = http("GET", anonymous.index.buildUrl("findArtifactFromTask", path, "public/a"))
    assert status == 303
    assert http("GET", headers["Location"])[2] == b"hello"
    for absent in ((path, "public/b"), (fresh("tests.nowhere"), "public/a")):
        assert http("GET", anonymous.index.buildUrl("findArtifactFromTask", *absent))[0] == 404
    assert http("GET", anonymous.index.buildUrl("findArtifactFromTask", path, "private/a"))[0] == 403


def test_reading_and_writing_need_scopes(root, anonymous, holding, anonymous_scopes):
    path = fresh("tests.scopes")
    with refused(403, "InsufficientScopes"):
        anonymous.index.insertTask(path, entry())
    holding(f"index:insert-task:{path}").index.insertTask(path, entry())
    for refused_call in (anonymous.index.findTask, anonymous.index.listTasks, anonymous.index.listNamespaces):
        with refused(403, "InsufficientScopes"):
            refused_call(path)
    anonymous_scopes("index:find-task:*", "index:list-tasks:*")
    assert anonymous.index.findTask(path)["namespace"] == path
    assert anonymous.index.listTasks("tests") is not None
    with refused(403, "InsufficientScopes"):
        anonymous.index.deleteTask(path)


@pytest.mark.parametrize("path", ["a..b", ".a", "a.", "a b", "a/b", "ä"])
def test_a_path_of_another_form_is_refused(tc, path):
    with refused(400, "InvalidRequestArguments"):
        Clients(tc).index.findTask(path)


@pytest.mark.parametrize("wrong", [{"rank": "1"}, {"rank": None}, {"data": []}, {"taskId": "x"}, {"more": 1}], ids=str)
def test_an_entry_that_breaks_the_schema_is_refused(root, wrong):
    with refused(400, "InputValidationError"):
        root.index.insertTask(fresh("tests.wrong"), entry(**wrong))


def test_a_rank_that_is_no_whole_number_breaks_the_call(root):
    with refused(500, "InternalServerError"):
        root.index.insertTask(fresh("tests.rank"), entry(rank=1.5))


def test_an_entry_that_expired_already_is_taken_and_found_by_nobody(root):
    path = fresh("tests.past")
    assert root.index.insertTask(path, entry(expires=in_days(-1)))["namespace"] == path
    with refused(404, "ResourceNotFound"):
        root.index.findTask(path)


@pytest.mark.parametrize("absent", ["taskId", "rank", "data", "expires"])
def test_an_entry_needs_all_of_its_fields(root, absent):
    given = entry()
    del given[absent]
    with refused(400, "InputValidationError"):
        root.index.insertTask(fresh("tests.absent"), given)


def test_one_missing_scope_fails_the_call_for_many_paths(root, holding, anonymous_scopes):
    anonymous_scopes()
    mine, other = fresh("tests.mine"), fresh("tests.other")
    for path in (mine, other):
        root.index.insertTask(path, entry())
    limited = holding(f"index:find-task:{mine}", client_id="tests/index").index
    assert names(limited.findTasksAtIndex({"indexes": [mine]})["tasks"]) == [mine]
    with refused(403, "InsufficientScopes") as info:
        limited.findTasksAtIndex({"indexes": [mine, other]})
    assert f"index:find-task:{other}" in str(info.value)


def test_the_upstream_client_does_not_follow_the_way_to_an_artifact(root, worker):
    path = fresh("tests.artifacts")
    worker.run_task({"public/a": b"hello"}, routes=[f"index.{path}"])
    response = root.index.findArtifactFromTask(path, "public/a")["response"]
    assert response.status_code == 303
    assert http("GET", response.headers["Location"])[2] == b"hello"

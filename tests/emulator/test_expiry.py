"""What has expired can be read until it is swept; then its ids are free."""

from __future__ import annotations

import pytest
import taskcluster
from emulator_clients import Clients, fresh, in_days, refused

from airflow_provider_taskcluster.emulator import Emulator
from airflow_provider_taskcluster.emulator.worker import Worker


@pytest.fixture(scope="module")
def own():
    """An emulator of its own, since a sweep removes the expired tasks of all tests."""
    with Emulator() as tc:
        yield Clients(tc, {"clientId": tc.client_id, "accessToken": tc.access_token})


@pytest.fixture
def own_worker(own):
    return Worker(own.tc.root_url, own.credentials)


def test_an_expired_task_can_be_read_until_it_is_swept_and_then_its_id_is_free(own, own_worker):
    run = own_worker.claim(own_worker.create_task(expires=in_days(4), deadline=in_days(1)))
    run.add_link("public/a", "public/b")
    run.complete()
    waiting = own_worker.create_task(dependencies=[run.task_id], deadline=in_days(3), expires=in_days(20))
    with own.tc.clock.advanced(days=5):
        assert own.queue.status(run.task_id)["status"]["state"] == "completed"
        assert own.queue.task(run.task_id)["taskGroupId"] == run.task_id
        own.tc.sweep()
        for call in (own.queue.status, own.queue.task, own.queue.getTaskGroup, own.queue.listTaskGroup):
            with refused(404, "ResourceNotFound"):
                call(run.task_id)
        with refused(404, "ResourceNotFound"):
            own.queue.listArtifacts(run.task_id, 0)
        assert own.queue.task(waiting)["dependencies"] == [run.task_id]
        created = {"created": in_days(5), "deadline": in_days(6), "expires": in_days(9)}
        assert own_worker.create_task(run.task_id, **created) == run.task_id
        assert own.queue.status(run.task_id)["status"]["runs"][0]["state"] == "pending"
        with refused(404, "ResourceNotFound"):
            own.queue.artifact(run.task_id, 0, "public/a")


def test_what_has_not_expired_stays(own, own_worker):
    path = fresh("tests.swept")
    task_id = own_worker.create_task()
    own.index.insertTask(path, {"taskId": task_id, "rank": 0, "data": {}, "expires": in_days(3)})
    own.tc.sweep()
    assert own.queue.status(task_id)["status"]["state"] == "pending"
    assert own.index.findTask(path)["taskId"] == task_id


def test_a_namespace_is_listed_until_it_is_swept(own):
    path = fresh("swept") + ".a.b"
    top = path.split(".", maxsplit=1)[0]
    entry = {"taskId": taskcluster.slugId(), "rank": 0, "data": {}, "expires": in_days(1)}
    own.index.insertTask(path, entry)
    with own.tc.clock.advanced(days=5):
        assert [each["name"] for each in own.index.listNamespaces(top)["namespaces"]] == ["a"]
        own.tc.sweep()
        assert own.index.listNamespaces(top)["namespaces"] == []

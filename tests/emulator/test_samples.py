"""Answers of the emulator against recorded ones of the real services, field by field, where those are at hand.

Ids, dates and what is secret are left out of the comparison.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
import taskcluster
from emulator_clients import Clients
from emulator_contract import find_contract

from airflow_provider_taskcluster.emulator import Emulator

CONTRACT = find_contract()
QUEUE, GROUP, PATH = "example-provisioner/wt-plain", "example-group", "example.565fe28f"
LEFT_OUT = {
    r"\d{4}-\d\d-\d\dT[\d:.]+": "DATE",
    r"Task\d{4}QxCx+A|\b[\w-]{8}[Q-T][\w-][CGKOSWaeimquy26-][\w-]{10}[AQgw](?![\w-])": "ID",
    r"https?://[^/]+/schemas": "SCHEMAS",
}
NO_FACTS = {"accessToken", "certificate", "clientId"}  # of credentials
ONE = {"workerGroup": GROUP, "workerId": "example-worker", "tasks": 1}


def comparable(value):
    if isinstance(value, dict):
        return {name: comparable(inner) for name, inner in value.items() if name not in NO_FACTS}
    if isinstance(value, list):
        return sorted(map(comparable, value), key=lambda inner: json.dumps(inner, sort_keys=True))
    if isinstance(value, str):
        for pattern, word in LEFT_OUT.items():
            value = re.sub(pattern, word, value)
        return re.sub(r"\nRejecting Schema: .*", "", value)  # the emulator does not name it
    return value


def ago(**duration):
    return (datetime.now(UTC) - timedelta(**duration)).isoformat()


def definition(**fields):
    metadata = {"name": GROUP, "owner": "nobody@example.com", "source": "https://example.com/probe", "description": "d"}
    dates = {"created": ago(), "deadline": ago(hours=-2), "expires": ago(days=-1)}
    return {"taskQueueId": QUEUE, "projectId": "proj-a", "payload": {}, "metadata": metadata, **dates, **fields}


class Answers(dict):
    """Answers by the names of the samples."""

    def note(self, name, call, *arguments):
        """Call; return the answer."""
        try:
            self[name] = call(*arguments)
        except taskcluster.exceptions.TaskclusterRestFailure as error:
            error.body["requestInfo"]["payload"] = "(as sent)"
            self[name] = {"httpStatus": error.status_code, "body": error.body}
        return self[name]


def of_one_task(answers, queue, limited):
    """What the queue says of a task, as in the samples: retried, canceled, rerun, completed."""
    task_id = taskcluster.slugId()
    first = definition(routes=["index.example.path"], tags={"kind": "build"})
    answers.note("createTask-pending", queue.createTask, task_id, first)
    answers.note("createTask-conflict", queue.createTask, task_id, {**first, "payload": {"a": 1}})
    late = {"created": ago(minutes=5), "deadline": ago(minutes=1)}
    for name, client, fields in (
        ("schema", queue, {"retries": 50}),
        ("past-deadline", queue, late),
        ("missing-dependency", queue, {"dependencies": [taskcluster.slugId()]}),
        ("scopes", limited, {}),
    ):
        answers.note(f"createTask-{name}", client.createTask, taskcluster.slugId(), definition(**fields))
    answers.note("task", queue.task, task_id)
    answers.note("claimWork", queue.claimWork, QUEUE, ONE)
    answers.note("status-running", queue.status, task_id)
    answers.note("reclaimTask", queue.reclaimTask, task_id, 0)
    log = {"storageType": "reference", "contentType": "text/plain; charset=utf-8", "expires": first["expires"]}
    stream = {"url": "https://tunnel.example.com/log/secret"}
    queue.createArtifact(task_id, 0, "public/logs/live.log", {**log, **stream})
    answers.note("listLatestArtifacts", queue.listLatestArtifacts, task_id)
    answers.note("latestArtifact-live-log", queue.latestArtifact, task_id, "public/logs/live.log")
    queue.reportException(task_id, 0, {"reason": "worker-shutdown"})
    answers.note("status-retried", queue.status, task_id)
    queue.cancelTask(task_id)
    answers.note("status-canceled", queue.status, task_id)
    answers.note("reclaim-canceled", queue.reclaimTask, task_id, 0)
    queue.rerunTask(task_id)
    queue.claimWork(QUEUE, ONE)
    queue.reportCompleted(task_id, 2)
    answers.note("status-completed", queue.status, task_id)
    answers.note("statuses", queue.statuses, {"taskIds": [task_id]})
    answers.note("status-404", queue.status, taskcluster.slugId())
    return task_id


def of_its_group(answers, queue, task_id):
    """What the queue says of the group of a task, and of tasks behind it."""
    second, third = taskcluster.slugId(), taskcluster.slugId()
    queue.createTask(second, definition(dependencies=[task_id], taskGroupId=task_id))
    answers.note("listDependentTasks", queue.listDependentTasks, task_id)
    queue.createTask(third, definition(dependencies=[second], taskGroupId=task_id))
    answers.note("status-unscheduled", queue.status, third)
    answers.note("getTaskGroup", queue.getTaskGroup, task_id)
    answers.note("listTaskGroup", queue.listTaskGroup, task_id)
    answers.note("sealTaskGroup", queue.sealTaskGroup, task_id)
    answers.note("createTask-sealed", queue.createTask, taskcluster.slugId(), definition(taskGroupId=task_id))
    answers.note("cancelTaskGroup", queue.cancelTaskGroup, task_id)


def of_hooks(answers, hooks):
    """What the hooks service says of a hook and its triggers."""
    name, task_id = (GROUP, taskcluster.slugId()), taskcluster.slugId()
    described = {"owner": "nobody@example.com", "description": "d"}
    task = {
        "payload": {},
        "metadata": {**described, "name": "n", "owner": "o", "source": "https://x"},
        "taskQueueId": "example-provisioner/hk",
    }
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    hooks.createHook(*name, {"metadata": {**described, "name": "h"}, "task": task, "triggerSchema": schema})
    answers.note("hook", hooks.hook, *name)
    answers.note("triggerHook", hooks.triggerHook, *name, {})
    answers.note("listLastFires", hooks.listLastFires, *name)
    answers.note("triggerHook-schema", hooks.triggerHook, *name, {"a": "x"})
    hooks.triggerHook(*name, {"taskId": task_id})
    answers.note("triggerHook-same-taskId", hooks.triggerHook, *name, {"taskId": task_id})


@pytest.fixture(scope="module")
def answers():
    with Emulator() as tc:
        root = Clients(tc, {"clientId": tc.client_id, "accessToken": tc.access_token})
        token = tc.add_client("example-client", ["queue:scheduler-id:-"])
        limited = Clients(tc, {"clientId": "example-client", "accessToken": token})
        root.auth.createRole(f"hook-id:{GROUP}/*", {"description": "", "scopes": ["queue:*"]})
        answers = Answers()
        task_id = of_one_task(answers, root.queue, limited.queue)
        of_its_group(answers, root.queue, task_id)
        of_hooks(answers, root.hooks)
        answers.note("findTask-404", root.index.findTask, f"{PATH}x")
        entry = {"taskId": task_id, "rank": 3, "data": {"a": 1}, "expires": ago(days=-1)}
        answers.note("insertTask", root.index.insertTask, PATH, entry)
        root.secrets.set("one", {"secret": {"a": 1}, "expires": ago(hours=-1)})
        answers.note("secret", root.secrets.get, "one")
        yield answers


@pytest.mark.skipif(CONTRACT is None, reason="the recorded answers are not at hand")
def test_each_answer_is_the_recorded_one(answers):
    recorded = {path.stem.removeprefix("api-"): path for path in (CONTRACT / "samples").glob("api-*.json")}
    assert recorded.keys() == answers.keys()
    for name, path in recorded.items():
        assert comparable(answers[name]) == comparable(json.loads(path.read_text())), name

"""Firing of hooks: templates, schemas, identity, errors, and the list of fires."""

from __future__ import annotations

import pytest
import taskcluster
from emulator_clients import Clients, fresh, pages, refused

from airflow_provider_taskcluster.emulator.clock import DAY, from_json
from airflow_provider_taskcluster.emulator.store.faults import Reset

TASK = {
    "taskQueueId": "tests/hooks",
    "payload": {},
    "metadata": {"name": "n", "owner": "nobody@example.com", "source": "https://example.com", "description": "d"},
}
METADATA = {"name": "n", "owner": "nobody@example.com", "description": "d"}
SCOPES = ["queue:create-task:lowest:tests/hooks", "queue:create-task:project:none", "queue:scheduler-id:-"]


@pytest.fixture
def hook(root):
    """Make a hook whose role may create its task; return its group and id."""

    def make(task=None, *, schema=None, scopes=SCOPES):
        name = (fresh("group"), "h")
        definition = {"metadata": METADATA, "task": task or TASK, "triggerSchema": schema or {"type": "object"}}
        root.hooks.createHook(*name, definition)
        root.auth.createRole(f"hook-id:{name[0]}/h", {"description": "makes the task", "scopes": scopes})
        return name

    return make


def fires(root, name):
    return root.hooks.listLastFires(*name)["lastFires"]


def test_a_trigger_makes_a_task_and_tells_its_id_without_a_state(root, hook):
    name = hook()
    answer = root.hooks.triggerHook(*name, {})
    assert answer == {"taskId": answer["taskId"], "status": {"taskId": answer["taskId"]}}
    assert root.queue.status(answer["taskId"])["status"]["state"] == "pending"


def test_the_task_lives_a_day_and_is_kept_for_a_month_in_a_group_of_its_own(root, hook):
    task_id = root.hooks.triggerHook(*hook(), {})["taskId"]
    task = root.queue.task(task_id)
    created = from_json(task["created"])
    assert abs(created - root.tc.clock.now()) < 5000
    assert from_json(task["deadline"]) == created + DAY
    assert from_json(task["expires"]) == created + 30 * DAY
    assert task["taskGroupId"] == task_id


def test_a_template_may_set_the_dates_and_the_group(root, hook):
    group = taskcluster.slugId()
    own = {"deadline": {"$fromNow": "2 hours"}, "expires": {"$fromNow": "3 days"}, "taskGroupId": group}
    task = root.queue.task(root.hooks.triggerHook(*hook({**TASK, **own}), {})["taskId"])
    created = from_json(task["created"])
    assert from_json(task["deadline"]) == created + DAY // 12
    assert from_json(task["expires"]) == created + 3 * DAY
    assert task["taskGroupId"] == group


def test_the_template_knows_the_payload_and_who_fired(root, holding, hook):
    parts = {name: f"${{{name}}}" for name in ("firedBy", "clientId", "now", "taskId")}
    name = hook({**TASK, "extra": {**parts, "a": {"$eval": "payload.a"}}})
    caller = holding(f"hooks:trigger-hook:{name[0]}/h", client_id="tests/caller")
    task_id = caller.hooks.triggerHook(*name, {"a": [1, 2]})["taskId"]
    task = root.queue.task(task_id)
    told = {"firedBy": "triggerHook", "clientId": "tests/caller", "now": task["created"], "taskId": task_id}
    assert task["extra"] == {**told, "a": [1, 2]}


def test_a_token_triggers_without_credentials_and_tells_no_client(root, anonymous, hook):
    name = hook({**TASK, "extra": {"by": "${firedBy}", "known": {"$eval": "defined('clientId')"}}})
    token = root.hooks.getTriggerToken(*name)["token"]
    task_id = anonymous.hooks.triggerHookWithToken(*name, token, {})["taskId"]
    assert root.queue.task(task_id)["extra"] == {"by": "triggerHookWithToken", "known": False}
    assert [fire["firedBy"] for fire in fires(root, name)] == ["triggerHookWithToken"]


def test_the_journal_and_the_log_have_no_token(root, anonymous, hook, caplog):
    name = hook()
    token = root.hooks.getTriggerToken(*name)["token"]
    with root.tc.journal.recording() as seen, caplog.at_level("INFO"):
        anonymous.hooks.triggerHookWithToken(*name, token, {})
    [entry] = seen
    assert entry.path == f"/api/hooks/v1/hooks/{name[0]}/h/trigger/***"
    assert not [record for record in caplog.records if "emulator" in record.name and token in record.getMessage()]


def test_a_wrong_token_is_a_401_and_a_missing_hook_a_404(root, anonymous, hook):
    name = hook()
    old = root.hooks.getTriggerToken(*name)["token"]
    root.hooks.resetTriggerToken(*name)
    for token in (old, "nonsense"):
        with refused(401, "AuthenticationFailed"):
            anonymous.hooks.triggerHookWithToken(*name, token, {})
    with refused(404, "ResourceNotFound") as info:
        anonymous.hooks.triggerHookWithToken(name[0], "missing", old, {})
    assert "No such hook" in str(info.value)


def test_two_triggers_are_two_tasks(root, hook):
    name = hook()
    made = {root.hooks.triggerHook(*name, {"same": 1})["taskId"] for _ in range(2)}
    assert made == {fire["taskId"] for fire in fires(root, name)}
    assert len(made) == 2


def test_a_lost_answer_is_a_second_task_as_the_client_repeats_the_call(root, hook):
    name = hook()
    repeating = Clients(root.tc, root.credentials, maxRetries=1)
    root.tc.api_faults.add(Reset(0), path="/trigger")
    answer = repeating.hooks.triggerHook(*name, {})
    fired = [fire["taskId"] for fire in fires(root, name)]
    assert fired[0] == answer["taskId"]
    assert len(set(fired)) == 2


def test_a_lost_answer_is_one_task_with_a_taskid_and_a_400(root, hook):
    name, task_id = hook(), taskcluster.slugId()
    repeating = Clients(root.tc, root.credentials, maxRetries=1)
    root.tc.api_faults.add(Reset(0), path="/trigger")
    with refused(400, "InputError"):
        repeating.hooks.triggerHook(*name, {"taskId": task_id})
    assert root.queue.status(task_id)["status"]["state"] == "pending"
    assert [fire["taskId"] for fire in fires(root, name)] == [task_id]


def test_a_taskid_in_the_payload_becomes_the_id_of_the_task(root, hook):
    name, task_id = hook(), taskcluster.slugId()
    assert root.hooks.triggerHook(*name, {"taskId": task_id})["taskId"] == task_id
    with refused(400, "InputError") as info:
        root.hooks.triggerHook(*name, {"taskId": task_id})
    said = info.value.body["message"]
    assert said.startswith("While firing hook:\n\nerror: duplicate key value violates unique constraint ")
    assert f"(hook_group_id, hook_id, task_id)=({name[0]}, h, {task_id}) already exists." in said
    assert [fire["taskId"] for fire in fires(root, name)] == [task_id]


def test_a_schema_without_taskid_refuses_it(root, hook):
    strict = {"type": "object", "additionalProperties": False}
    with refused(400, "InputError") as info:
        root.hooks.triggerHook(*hook(schema=strict), {"taskId": taskcluster.slugId()})
    assert info.value.body["message"].startswith("data must NOT have additional properties\n\n---")


def test_after_a_failed_try_the_same_taskid_makes_the_task_and_answers_400(root, hook):
    name, task_id = hook({**TASK, "extra": {"a": "${payload.a}"}}), taskcluster.slugId()
    with refused(400, "InputError"):
        root.hooks.triggerHook(*name, {"taskId": task_id})
    with refused(404, "ResourceNotFound"):
        root.queue.status(task_id)
    with refused(400, "InputError") as info:
        root.hooks.triggerHook(*name, {"taskId": task_id, "a": "1"})
    assert "duplicate key value" in str(info.value)
    assert root.queue.status(task_id)["status"]["state"] == "pending"
    [fire] = fires(root, name)
    assert (fire["result"], fire["taskState"]) == ("error", "pending")


@pytest.mark.parametrize("nothing", [{"$if": "payload.go", "then": TASK}, {"$eval": "null"}], ids=["if", "null"])
def test_a_template_that_renders_to_nothing_is_a_success_without_a_task(root, hook, nothing):
    name = hook(nothing)
    assert root.hooks.triggerHook(*name, {"go": False}) == {}
    with refused(404, "ResourceNotFound"):
        root.hooks.listLastFires(*name)


@pytest.mark.parametrize(
    ("schema", "payload", "said"),
    [
        ({"properties": {"a": {"type": "integer"}}}, {"a": "x"}, "data/a must be integer"),
        ({"properties": {"a": {"type": ["integer", "null"]}}}, {"a": "x"}, "data/a must be integer,null"),
        ({"required": ["a", "b"]}, {}, "data must have required property 'a'; data must have required property 'b'"),
        ({"properties": {"a": {"enum": [1]}}}, {"a": 2}, "data/a must be equal to one of the allowed values"),
        ({"properties": {"a": {"maximum": 3}}}, {"a": 4}, "data/a must be <= 3"),
        ({"properties": {"a": {"minLength": 2}}}, {"a": "x"}, "data/a must NOT have fewer than 2 characters"),
        ({"properties": {"a": {"items": {"pattern": "^x"}}}}, {"a": ["y"]}, 'data/a/0 must match pattern "^x"'),
        (
            {"anyOf": [{"required": ["a"]}]},
            {},
            "data must have required property 'a'; data must match a schema in anyOf",
        ),
    ],
)
def test_a_payload_against_the_schema_is_a_400_in_the_words_of_ajv_and_not_recorded(root, hook, schema, payload, said):
    name = hook(schema={"type": "object", **schema})
    with refused(400, "InputError") as info:
        root.hooks.triggerHook(*name, payload)
    assert info.value.body["message"].partition("\n\n---")[0] == said
    with refused(404, "ResourceNotFound"):
        root.hooks.listLastFires(*name)


def test_a_payload_that_is_no_object_is_a_400(root, hook):
    with refused(400, "InputValidationError"):
        root.hooks.triggerHook(*hook(), ["no object"])


def test_an_error_of_the_template_is_a_400_and_recorded(root, hook):
    name = hook({**TASK, "extra": {"a": "${payload.a}"}})
    with refused(400, "InputError") as info:
        root.hooks.triggerHook(*name, {})
    assert info.value.body["message"].startswith("While firing hook:\n\nInterpreterError at template.extra.a: ")
    [fire] = fires(root, name)
    assert (fire["result"], fire["taskState"], fire["firedBy"]) == ("error", "unknown", "triggerHook")
    assert fire["error"].startswith("InterpreterError at template.extra.a: ")
    assert root.hooks.getHookStatus(*name)["lastFire"]["error"] == {"message": fire["error"]}


@pytest.mark.parametrize(
    ("changed", "code"),
    [({"retries": 50}, "InputValidationError"), ({"deadline": {"$fromNow": "-1 hour"}}, "InputError")],
    ids=["schema", "deadline"],
)
def test_what_the_queue_refuses_is_a_400_and_recorded(root, hook, changed, code):
    name = hook({**TASK, **changed})
    with refused(400, "InputError") as info:
        root.hooks.triggerHook(*name, {})
    assert info.value.body["message"].startswith(f"While calling createTask: {code}\n\n")
    [fire] = fires(root, name)
    assert (fire["result"], fire["taskState"]) == ("error", "unknown")
    assert root.hooks.getHookStatus(*name)["lastFire"]["error"]["code"] == code


def test_a_role_without_the_scopes_of_the_task_is_a_403_that_names_it(root, hook):
    name = hook({**TASK, "scopes": ["secrets:get:x"]})
    with refused(403, "InsufficientScopes") as info:
        root.hooks.triggerHook(*name, {})
    said = info.value.body["message"]
    assert said.startswith(f"The role `hook-id:{name[0]}/h` does not have sufficient scopes to create the task:\n\n")
    assert "secrets:get:x" in said
    assert [fire["result"] for fire in fires(root, name)] == ["error"]


def test_the_task_is_made_with_the_scopes_of_the_role_and_not_of_the_caller(root, holding, hook):
    name = hook()
    caller = holding(f"hooks:trigger-hook:{name[0]}/h")
    task_id = caller.hooks.triggerHook(*name, {})["taskId"]
    with refused(403, "InsufficientScopes"):
        caller.queue.status(task_id)
    with refused(403, "InsufficientScopes"):
        caller.queue.cancelTask(task_id)


def test_fires_are_listed_newest_first_in_pages_with_the_state_of_the_task(root, worker, hook):
    name = hook()
    made = [root.hooks.triggerHook(*name, {})["taskId"] for _ in range(5)]
    root.queue.cancelTask(made[0])
    listed = [
        f for page in pages(lambda query: root.hooks.listLastFires(*name, query=query)) for f in page["lastFires"]
    ]
    assert [fire["taskId"] for fire in listed] == made[::-1]
    assert [fire["taskState"] for fire in listed] == ["pending"] * 4 + ["exception"]
    assert {(fire["result"], fire["error"]) for fire in listed} == {("success", "")}


def test_removing_a_hook_removes_its_fires(root, hook):
    name = hook()
    root.hooks.triggerHook(*name, {})
    root.hooks.removeHook(*name)
    with refused(404, "ResourceNotFound"):
        root.hooks.listLastFires(*name)


def test_the_status_is_about_the_last_fire(root, hook):
    name = hook()
    assert root.hooks.getHookStatus(*name) == {"lastFire": {"result": "no-fire"}}
    root.hooks.triggerHook(*name, {})
    last = root.hooks.triggerHook(*name, {})["taskId"]
    assert root.hooks.getHookStatus(*name)["lastFire"]["taskId"] == last
    with refused(404, "ResourceNotFound"):
        root.hooks.getHookStatus(name[0], "missing")


def test_a_trigger_of_no_hook_is_a_404(root):
    with refused(404, "ResourceNotFound") as info:
        root.hooks.triggerHook("no", "hook", {})
    assert "No such hook" in str(info.value)

"""Hooks of Taskcluster through the hook of Airflow: triggered once, and the list of their fires."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import taskcluster
from taskcluster_hooks import STRICT, MadeHook, template

from airflow_provider_taskcluster.emulator import Emulator, Settings
from airflow_provider_taskcluster.emulator.store.faults import Overtaken, Reset, Status
from airflow_provider_taskcluster.exceptions import (
    ConnectionFailed,
    InsufficientScopes,
    InvalidInput,
    NotFound,
    ServiceError,
    ServiceUnavailable,
)
from airflow_provider_taskcluster.hooks.asynchronous import TaskclusterAsyncHook

TRIGGER = "/trigger"
QUEUE = "tests/triggered"
NEEDS_A = template(QUEUE, extra={"a": "${payload.a}"})


@pytest.fixture
def made_hook(hook):
    return lambda task=None, **options: MadeHook(hook, task or template(QUEUE), **options)


@pytest.fixture
def task_id():
    return taskcluster.slugId()


def sent(tc):
    return len(tc.journal.entries(method="POST", path=TRIGGER))


def test_a_trigger_returns_the_id_of_the_task(hook, made_hook, task_id):
    one = made_hook()
    assert hook.task_status(hook.trigger_hook(*one.name))["state"] == "pending"
    assert hook.trigger_hook(*one.name, {"a": 1}, task_id=task_id) == task_id
    assert one.made()[1:] == [task_id]


def test_a_coroutine_triggers_a_hook_and_lists_its_fires(hook, made_hook, task_id):
    one = made_hook()

    async def both():
        async with await TaskclusterAsyncHook.open("tc_test") as own:
            await own.trigger_hook(*one.name, task_id=task_id)
            return await own.hook_last_fires(*one.name)

    assert [fire["taskId"] for fire in asyncio.run(both())] == [task_id]


def test_a_template_that_renders_to_nothing_makes_no_task(hook, made_hook, task_id):
    one = made_hook({"$if": "false", "then": {}})
    assert hook.trigger_hook(*one.name, task_id=task_id) is None
    assert one.fires() == []


@pytest.mark.parametrize(
    "fault", [Reset(0), Overtaken(500, "InternalServerError"), Overtaken(400, "InputError", "no such words")], ids=repr
)
def test_after_a_lost_answer_the_queue_is_asked_and_the_trigger_is_not_repeated(hook, tc, made_hook, task_id, fault):
    one = made_hook()
    tc.api_faults.add(fault, path=TRIGGER)
    assert hook.trigger_hook(*one.name, task_id=task_id) == task_id
    assert (sent(tc), len(one.fires())) == (1, 1)


@pytest.mark.parametrize(
    ("fault", "error"), [(Reset(0), ConnectionFailed), (Status(503), ServiceUnavailable)], ids=["reset", "503"]
)
def test_without_an_id_the_error_is_raised_and_the_trigger_is_not_repeated(hook, tc, made_hook, fault, error):
    one = made_hook()
    tc.api_faults.add(fault, path=TRIGGER)
    with pytest.raises(error):
        hook.trigger_hook(*one.name)
    assert sent(tc) == 1


def test_a_queue_that_cannot_be_asked_leaves_it_open(hook, tc, made_hook, task_id):
    one = made_hook()
    tc.api_faults.add(Overtaken(400, "InputError"), path=TRIGGER)
    tc.api_faults.add(Status(503), path=f"{task_id}/status", times=1000)
    with pytest.raises(ServiceUnavailable) as caught:
        hook.trigger_hook(*one.name, task_id=task_id)
    assert caught.value.transient


def test_a_second_try_makes_the_task_although_the_service_answers_400(hook, made_hook, task_id):
    one = made_hook(NEEDS_A)
    with pytest.raises(ServiceError, match=r"While firing hook: *\\nInterpreterError at template.extra.a"):
        hook.trigger_hook(*one.name, task_id=task_id)
    assert hook.trigger_hook(*one.name, {"a": "1"}, task_id=task_id) == task_id
    assert one.made() == [task_id]


def test_a_schema_that_does_not_take_the_id_is_an_error(hook, made_hook, task_id):
    with pytest.raises(ServiceError, match="data must NOT have additional properties"):
        hook.trigger_hook(*made_hook(schema=STRICT).name, task_id=task_id)


def test_an_older_service_ignores_the_id(connect, task_id, caplog):
    with Emulator(settings=Settings(hook_task_ids=False)) as older:
        hook = connect("tc_older", host=older.root_url, login=older.client_id, password=older.access_token)
        one = MadeHook(hook, template(QUEUE))
        made = hook.trigger_hook(*one.name, task_id=task_id)
        assert one.made() == [made]
    assert made != task_id
    assert f"made task {made!r}, and ignored the id {task_id!r} in its payload" in caplog.text


def test_scopes_that_the_client_lacks_are_named_and_nobody_is_asked(holding, tc, made_hook, task_id):
    one = made_hook()
    with pytest.raises(InsufficientScopes, match=r"grant client 'tests/.*' the scope hooks:trigger-hook:group"):
        holding("queue:status:*").trigger_hook(*one.name, task_id=task_id)
    assert not tc.journal.entries(path=task_id)


def test_scopes_that_the_role_lacks_are_named_with_the_role(hook, made_hook, task_id):
    one = made_hook(scopes=["queue:create-task:lowest:other/queue"])
    with pytest.raises(
        InsufficientScopes, match=f"grant the role '{one.role}' the scope .*queue:create-task:"
    ) as caught:
        hook.trigger_hook(*one.name, task_id=task_id)
    assert "grant client" not in str(caught.value)


def test_no_hook_is_an_error_that_says_so(hook):
    with pytest.raises(NotFound, match="there is no such hook: check its group and id"):
        hook.trigger_hook("no-such-group", "hook")


@pytest.mark.parametrize(
    ("arguments", "options", "sentence"),
    [
        (("a b", "h"), {}, "is not the id of a group of hooks"),
        (("g", ""), {}, "is not the id of a hook"),
        (("g", "h", "{}"), {}, "payload is '{}': pass a dict"),
        (("g", "h", {"a": "\0"}), {}, "NUL"),
        (("g", "h"), {"task_id": "short"}, "is not a task ID"),
        (("g", "h", {"taskId": "other"}), {"task_id": "fN1SbArXTPSVFNUvaOlinQ"}, "another taskId than task_id"),
    ],
    ids=str,
)
def test_what_cannot_be_sent_is_not_sent(hook, tc, arguments, options, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        hook.trigger_hook(*arguments, **options)
    assert sent(tc) == 0


class TestFires:
    def test_they_are_listed_newest_first_up_to_a_limit(self, hook, made_hook):
        one = made_hook()
        ids = [hook.trigger_hook(*one.name) for _ in range(3)]
        assert [fire["taskId"] for fire in hook.hook_last_fires(*one.name, limit=2)] == ids[:0:-1]
        (first, *_) = hook.hook_last_fires(*one.name, limit=None)
        assert (first["firedBy"], first["result"], first["taskState"]) == ("triggerHook", "success", "pending")

    def test_they_are_listed_from_a_time_on(self, hook, tc, made_hook):
        one = made_hook()
        hook.trigger_hook(*one.name)
        with tc.clock.advanced(minutes=10):
            late = hook.trigger_hook(*one.name)
        since = datetime.now(UTC) + timedelta(minutes=5)
        assert [fire["taskId"] for fire in hook.hook_last_fires(*one.name, since=since)] == [late]

    def test_pages_are_read_as_far_as_they_are_needed(self, hook, tc, made_hook, monkeypatch):
        monkeypatch.setattr("airflow_provider_taskcluster.services.hooks.FIRES_PAGE", 2)
        one = made_hook()
        ids = [hook.trigger_hook(*one.name) for _ in range(5)]
        tc.journal.clear()
        assert len(hook.hook_last_fires(*one.name, limit=3)) == 3
        assert len(tc.journal.entries(path="last-fires")) == 2
        assert [fire["taskId"] for fire in hook.hook_last_fires(*one.name, limit=None)] == ids[::-1]

    def test_a_hook_that_never_fired_has_none(self, hook):
        assert hook.hook_last_fires("no-such-group", "hook") == []

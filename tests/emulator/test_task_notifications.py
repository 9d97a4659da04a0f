"""Notifications that tasks ask for by their routes."""

from __future__ import annotations

import pytest
import taskcluster
from emulator_clients import fresh, in_days, refused


@pytest.fixture
def key():
    return fresh("key")


def was_told(tc, address):
    return tc.outbox.entries(address=address)


def states(tc, key):
    """Return the states in the messages on Pulse, in the order in which they were sent."""
    return [sent.message["message"]["state"] for sent in was_told(tc, key)]


def on(key, *events):
    return [f"notify.pulse.{key}.on-{event}" for event in events]


def test_each_event_of_a_task_is_told_to_its_route_with_the_status(tc, worker, key):
    events = ("defined", "pending", "running", "completed", "failed", "exception")
    routes = [route for event in events for route in on(f"{key}.{event}", event)]
    run = worker.claim(worker.create_task(routes=routes))
    run.complete()
    for event in events[:4]:
        [sent] = was_told(tc, f"{key}.{event}")
        status = sent.message["message"]
        assert (status["taskId"], status["state"]) == (run.task_id, "unscheduled" if event == "defined" else event)
    assert was_told(tc, f"{key}.failed") == was_told(tc, f"{key}.exception") == []


@pytest.mark.parametrize("event", ["resolved", "any"])
def test_resolved_is_any_end(tc, worker, key, event):
    worker.claim(worker.create_task(routes=on(key, event))).fail()
    worker.claim(worker.create_task(routes=on(key, event))).complete()
    worker.claim(worker.create_task(routes=on(key, event))).exception("malformed-payload")
    assert states(tc, key) == ["failed", "completed", "exception"]


def test_transition_is_every_change(tc, worker, key):
    worker.claim(worker.create_task(routes=on(key, "transition"))).complete()
    assert states(tc, key) == ["unscheduled", "pending", "running", "completed"]


def test_a_task_behind_another_is_pending_once_that_is_completed(tc, worker, key):
    first = worker.create_task()
    worker.create_task(routes=on(key, "transition"), dependencies=[first])
    assert states(tc, key) == ["unscheduled"]
    worker.claim(first).complete()
    assert states(tc, key) == ["unscheduled", "pending"]


def test_cancelled_tasks_are_passed_over(tc, root, worker, key):
    task_id = worker.create_task(routes=on(key, "exception", "resolved", "transition"))
    root.queue.cancelTask(task_id)
    assert states(tc, key) == ["unscheduled", "pending"]


def test_tasks_past_their_deadline_are_passed_over(tc, root, worker, key):
    task_id = worker.create_task(routes=on(key, "exception", "resolved"), deadline=in_days(0.5))
    with tc.clock.advanced(days=1):
        run = root.queue.status(task_id)["status"]["runs"][-1]
    assert run["reasonResolved"] == "deadline-exceeded"
    assert states(tc, key) == []


def test_a_retried_run_is_no_exception_of_the_task(tc, worker, key):
    task_id = worker.create_task(routes=on(key, "exception", "pending"), retries=1)
    worker.claim(task_id).exception("worker-shutdown")
    # The exception of the run comes with the state pending, and so goes to on-pending; its repetition is not sent.
    assert states(tc, key) == ["pending", "pending"]
    worker.claim(task_id).exception("worker-shutdown")
    assert states(tc, key)[2:] == ["exception"]


def test_a_refused_task_tells_nothing(tc, worker, key):
    with refused(400, "InputError"):
        worker.create_task(routes=on(key, "defined"), dependencies=[taskcluster.slugId()])
    assert states(tc, key) == []


def test_a_repeated_call_tells_nothing_again(tc, root, worker, key):
    run = worker.claim(worker.create_task(routes=on(key, "completed", "defined")))
    for _ in range(2):
        run.complete()
    root.queue.createTask(run.task_id, root.queue.task(run.task_id))
    assert states(tc, key) == ["unscheduled", "completed"]


def test_texts_of_email(tc, worker, key):
    to = f"{key}@example.com"
    task_id = worker.create_task(routes=[f"notify.email.{to}.on-completed"])
    worker.claim(task_id).complete()
    [sent] = was_told(tc, to)
    name = worker.queue.task(task_id)["metadata"]["name"]
    assert sent.subject == f"Task completed: {name} - {task_id}"
    assert sent.link == {"text": "Inspect Task", "href": f"{tc.root_url}/tasks/{task_id}"}


def test_texts_of_their_own(tc, worker, key):
    mail, room, channel = f"{key}@example.com", f"!{key}:example.com", f"C{key}"
    notify = {
        "email": {"subject": "${status.state}: ${task.metadata.name}", "content": "see ${taskId}"},
        "matrixBody": "${taskId}",
        "matrixFormattedBody": "<b>${taskId}</b>",
        "matrixFormat": "org.matrix.custom.html",
        "slackText": "${status.state} at ${rootUrl}",
        "slackBlocks": [{"type": "divider"}],
    }
    to = {"email": mail, "matrix-room": room, "slack-channel": channel}
    routes = [f"notify.{kind}.{address}.on-failed" for kind, address in to.items()]
    task_id = worker.create_task(routes=routes, extra={"notify": notify})
    worker.claim(task_id).fail()
    [email], [matrix], [slack] = (was_told(tc, address) for address in (mail, room, channel))
    name = worker.queue.task(task_id)["metadata"]["name"]
    assert (email.subject, email.text) == (f"failed: {name}", f"see {task_id}")
    assert (matrix.text, matrix.details["formattedBody"]) == (task_id, f"<b>{task_id}</b>")
    assert (slack.text, slack.details["blocks"]) == (f"failed at {tc.root_url}", [{"type": "divider"}])


def test_a_text_that_cannot_be_rendered_says_so(tc, worker, key):
    routes = [f"notify.matrix-room.!{key}.on-failed"]
    extra = {"notify": {"matrixBody": "${nobody}"}}
    worker.claim(worker.create_task(routes=routes, extra=extra)).fail()
    [sent] = was_told(tc, f"!{key}")
    assert sent.text == "Error parsing custom message: unknown context value nobody"


def test_what_cannot_be_sent_harms_no_task(tc, root, worker, key):
    long = "k" * 110
    root.notify.addDenylistAddress({"notificationType": "pulse", "notificationAddress": key})
    routes = [*on(key, "completed"), *on(long, "completed"), "notify.carrier-pigeon.x.on-completed", "notify.pulse"]
    run = worker.claim(worker.create_task(routes=routes))
    run.complete()
    assert root.queue.status(run.task_id)["status"]["state"] == "completed"
    assert was_told(tc, key) == was_told(tc, long) == []

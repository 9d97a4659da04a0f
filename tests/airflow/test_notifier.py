"""The notifier through real DAG runs, and awaited as by the callback of a deadline."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import secrets

import pytest
from airflow_lines import AIRFLOW_2

from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.notifications.taskcluster import TaskclusterNotifier

pytestmark = pytest.mark.usefixtures("database")
TEXT = "{{ ti.task_id }} of {{ dag.dag_id }}"


@pytest.fixture
def to():
    return secrets.token_hex(4)


@pytest.fixture
def run_with(tc, load_test_dag):
    """Run the DAG with a notifier; return the states of its tasks."""

    def run(notifier):
        tc.outbox.clear()
        made = load_test_dag("notified_failures", NOTIFIER=notifier)
        return {ti.task_id: str(ti.state) for ti in made.test().get_task_instances()}

    return run


ENDED = {"breaks": "failed", "breaks_too": "failed", "works": "success"}


def test_each_task_sends_its_own_text_to_all_addresses(tc, run_with, to):
    notifier = TaskclusterNotifier(
        text=TEXT,
        subject="Failed: {{ ti.task_id }}",
        link="https://example.com/{{ ti.task_id }}",
        email=[f"{to}@x.org", f"{to}.b@x.org"],
        slack=f"C{to}",
        matrix=f"!{to}:x.org",
        pulse=f"{to}.{{{{ ti.task_id }}}}",
    )
    assert run_with(notifier) == ENDED
    said = {(sent.kind, sent.text) for sent in tc.outbox if sent.kind != "pulse"}
    for task_id in ENDED:
        text, link = f"{task_id} of notified_failures", f"https://example.com/{task_id}"
        assert {("email", text), ("slack-channel", f"{text}\n{link}"), ("matrix-room", f"{text}\n{link}")} <= said
        [published] = tc.outbox.entries(address=f"{to}.{task_id}")
        assert published.message["message"] == {"text": text, "subject": f"Failed: {task_id}", "link": link}
    assert len(tc.outbox) == 5 * len(ENDED)
    assert tc.outbox.entries(address=f"{to}@x.org")[0].link["text"] == "Open"


@pytest.mark.parametrize("nothing", ["{{ '' }}", "{{ None }}"])
def test_what_renders_to_nothing_is_left_out(tc, run_with, to, nothing):
    notifier = TaskclusterNotifier(text=TEXT, subject=nothing, link=nothing, slack=nothing, email=f"{to}@x.org")
    assert run_with(notifier) == ENDED
    assert {(sent.kind, sent.subject, sent.link) for sent in tc.outbox} == {
        ("email", f"{task_id} of notified_failures", None) for task_id in ENDED
    }


def test_a_repetition_is_logged_as_not_sent_again(tc, run_with, to, caplog):
    assert run_with(TaskclusterNotifier(text="the same", slack=f"C{to}")) == ENDED
    assert len(tc.outbox) == 1
    assert caplog.text.count("not sent again") == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"text": "{{ nothing.there }}"}, "No notification was sent"),
        ({"text": "{{ ' ' }}"}, "text is empty"),
        ({"taskcluster_conn_id": "none_of_these"}, "none_of_these"),
        ({"pulse": "k" * 101}, "at most 100"),
    ],
    ids=["template", "empty", "connection", "routing key"],
)
def test_a_notifier_that_fails_says_so_and_fails_no_task(tc, run_with, to, caplog, monkeypatch, options, said):
    monkeypatch.delenv("TASKCLUSTER_ROOT_URL", raising=False)
    assert run_with(TaskclusterNotifier(**{"text": TEXT, "slack": f"C{to}", **options})) == ENDED
    assert said in caplog.text
    assert len(tc.outbox) == (len(ENDED) if "pulse" in options else 0)  # the other addresses get theirs


def test_a_denylisted_address_does_not_stop_the_others(tc, run_with, to, caplog):
    deny(tc, f"C{to}")
    assert run_with(TaskclusterNotifier(text=TEXT, slack=[f"C{to}", f"D{to}"])) == ENDED
    assert {sent.address for sent in tc.outbox} == {f"D{to}"}
    assert "denylist" in caplog.text


def test_a_notifier_needs_an_address():
    with pytest.raises(InvalidInput, match="no address"):
        TaskclusterNotifier(text="t")


@pytest.mark.skipif(AIRFLOW_2, reason="Airflow 2 has no deadlines")
def test_it_is_the_callback_of_a_deadline(tc, to):
    """Airflow's own trigger creates and awaits it, with the few values that it has for a context."""
    callbacks = pytest.importorskip("airflow.sdk.definitions.callback", reason="Airflow 3.0 has no deadlines")
    path = callbacks.AsyncCallback(TaskclusterNotifier, kwargs={"text": "t", "slack": "C1"}).path
    assert path == f"{TaskclusterNotifier.__module__}.TaskclusterNotifier"
    assert "context" in inspect.signature(TaskclusterNotifier).parameters
    kwargs = {
        "text": "{{ dag_run.dag_id }} is late",
        "slack": [f"C{to}", f"D{to}"],
        "context": {"dag_run": {"dag_id": "nightly"}},
    }
    assert events(path, kwargs)[-1]["state"] == "success"
    assert [sent.text for sent in tc.outbox.entries(address=f"C{to}")] == ["nightly is late"]
    deny(tc, f"C{to}")
    kwargs["text"] = "{{ dag_run.dag_id }} is later"
    last = events(path, kwargs)[-1]
    assert last["state"] == "failed"
    assert "denylist" in last["body"]
    assert [sent.text for sent in tc.outbox.entries(address=f"D{to}")] == ["nightly is late", "nightly is later"]


def events(path, kwargs):
    trigger = importlib.import_module("airflow.triggers.callback").CallbackTrigger(path, dict(kwargs))

    async def collect():
        return [event.payload async for event in trigger.run()]

    return asyncio.run(collect())


def deny(tc, address):
    from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook

    denied = {"notificationType": "slack-channel", "notificationAddress": address}
    TaskclusterHook().upstream("notify").addDenylistAddress(denied)

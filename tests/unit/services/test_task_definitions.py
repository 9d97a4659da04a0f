"""What the queue cannot carry, and which definitions mean the same task."""

from __future__ import annotations

import pytest

from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.services.task_definitions import check_json, is_same_task, required_tasks

TASK_ID = "fN1SbArXTPSVFNUvaOlinQ"
SENT = {
    "taskQueueId": "a/b",
    "created": "2026-01-01T00:00:00Z",
    "deadline": "2026-01-02T00:00:00Z",
    "payload": {"a": [1, {"b": 2, "c": 3}]},
    "metadata": {"name": "n"},
}
FOUND = {
    **SENT,
    "provisionerId": "a",
    "workerType": "b",
    "created": "2026-01-01T00:00:00.000Z",
    "deadline": "2026-01-02T00:00:00.000Z",
    "expires": "2027-01-02T00:00:00.000Z",
    "taskGroupId": TASK_ID,
    "projectId": "none",
    "schedulerId": "-",
    "priority": "lowest",
    "retries": 5,
    "requires": "all-completed",
    **{name: [] for name in ("dependencies", "routes", "scopes")},
    **{name: {} for name in ("tags", "extra")},
}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], "pass a dict"),
        ({"a": object()}, "is not JSON"),
        ({"a": float("nan")}, "is not JSON"),
        ({"a": "x" * 10 * 1024 * 1024}, "bytes as JSON"),
        ({"payload": {"a": ["ok", "a\0b"]}}, r"definition\.payload\.a\[1\] has a NUL"),
        ({"half \ud83d": 1}, "a key of definition"),
        ({"a": {"b": 2**53 + 1}}, r"definition\.a\.b is over 2\^53"),
        ({"a": -(2**53) - 1}, r"over 2\^53"),
    ],
)
def test_what_cannot_be_carried_is_refused(value, said):
    with pytest.raises(InvalidInput, match=said):
        check_json(value, "definition")


def test_what_can_be_carried_is_not():
    check_json({"a": [2**53, -(2**53), 1.5, True, None, "ü\n💡"], "b": {}}, "definition")


def test_a_value_that_holds_itself_is_refused():
    value = {}
    value["again"] = value
    with pytest.raises(InvalidInput, match="is not JSON"):
        check_json(value, "definition")


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"created": "2026-01-01T01:00:00.0009+01:00"},
        {"created": "2026-01-01T00:00:00"},
        {"payload": {"a": [1.0, {"c": 3, "b": 2}]}},
        {"retries": 5, "tags": {}, "taskGroupId": TASK_ID},
        {"priority": "high"},
        {"provisionerId": "a", "workerType": "b"},
    ],
    ids=str,
)
def test_the_same_task_in_other_words(sent):
    assert is_same_task(TASK_ID, {**SENT, **sent}, FOUND)


@pytest.mark.parametrize(
    "sent",
    [
        {"created": "2026-01-01T00:00:00.001Z"},
        {"expires": "2027-01-02T00:00:00.001Z"},
        {"payload": {"a": [True, {"b": 2, "c": 3}]}},
        {"tags": {"x": "y"}},
        {"retries": 4},
        {"taskQueueId": "a/c"},
        {"routes": ["a"]},
    ],
    ids=str,
)
def test_another_task(sent):
    assert not is_same_task(TASK_ID, {**SENT, **sent}, FOUND)


def test_what_was_left_out_must_have_its_default():
    assert not is_same_task(TASK_ID, SENT, {**FOUND, "scopes": ["a"]})


@pytest.mark.parametrize(
    ("definition", "required"),
    [
        ({"dependencies": ["a", "b"], "requires": "all-completed"}, ["a", "b"]),
        ({"dependencies": ["a"], "requires": "all-resolved"}, []),
        ({"requires": "all-completed"}, []),
        ({}, []),
    ],
)
def test_only_dependencies_that_must_complete_are_required(definition, required):
    assert required_tasks(definition) == required

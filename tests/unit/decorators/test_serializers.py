"""The serializers of arguments: Airflow's proxies are resolved, and what cannot be serialized is named."""

from __future__ import annotations

import json
import pickle
import threading

import pytest

from airflow_provider_taskcluster.decorators.serializers import plain_value, serialized, serializer_module
from airflow_provider_taskcluster.exceptions import InvalidInput


def test_no_arguments_are_no_bytes():
    assert serialized("pickle", (), {}) == b""


def test_arguments_are_serialized_the_same_each_time():
    once, again = (serialized("pickle", (1, {"b": 2, "a": [3]}), {"c": "x"}) for _ in range(2))
    assert once == again
    assert pickle.loads(once) == {"args": [1, {"b": 2, "a": [3]}], "kwargs": {"c": "x"}}


def test_json_is_text():
    assert json.loads(serialized("json", (1,), {"a": None})) == {"args": [1], "kwargs": {"a": None}}
    assert serializer_module("json").loads(b"[1]") == [1]


@pytest.mark.parametrize(("name", "refused"), [("pickle", threading.Lock()), ("json", {1, 2})])
def test_what_cannot_be_serialized_is_named(name, refused):
    with pytest.raises(InvalidInput, match=rf"Arguments 1, 'b' cannot be serialized by {name} \(TypeError"):
        serialized(name, (1, refused), {"a": 1, "b": refused})


def test_a_serializer_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "cloudpickle", None)
    with pytest.raises(InvalidInput, match="serializer is 'cloudpickle', which is not installed here"):
        serialized("cloudpickle", (1,), {})


def test_what_airflow_reads_lazily_becomes_a_list():
    class Lazy(list):
        """Stands for a sequence of Airflow."""

    Lazy.__module__ = "airflow.sdk.execution_time.lazy_sequence"
    found = plain_value({"a": (Lazy([1, 2]),), "b": "text"})
    assert found == {"a": ([1, 2],), "b": "text"}
    assert type(found["a"][0]) is list

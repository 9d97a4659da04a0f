from __future__ import annotations

import copy
import json
import pickle
from dataclasses import replace
from types import MappingProxyType

import pytest

from airflow_provider_taskcluster.transfer.archive.extract import Extracted
from airflow_provider_taskcluster.transfer.model import Grant, TransferResult
from airflow_provider_taskcluster.transfer.payload.model import PayloadFile, PayloadResult, Stored

RESULT = TransferResult(
    name="a/b",
    size=3,
    content_type="text/plain",
    digests=MappingProxyType({"sha256": "ab"}),
    method="getUrl",
    verified="sha256",
    attempts=2,
    seconds=1.23456,
    destination="file",
    content=b"the content",  # pickled, and not in the dict
)


def test_a_result_is_json_without_the_content():
    found = json.loads(json.dumps(RESULT.as_dict()))
    assert found == {
        "name": "a/b",
        "size": 3,
        "content_type": "text/plain",
        "digests": {"sha256": "ab"},
        "method": "getUrl",
        "verified": "sha256",
        "attempts": 2,
        "seconds": 1.235,
        "already_present": False,
        "destination": "file",
    }


def test_results_are_dicts_as_well():
    extracted = Extracted("folder", 2, 10)
    listed = PayloadFile("a", "public/a", None, "text/plain", "s3", "2030-01-01T00:00:00.000Z")
    stored = Stored("a", "/folder/a", 3, {"sha256": "ab"}, "sha256", "text/plain")
    payload = PayloadResult("task", 0, "", "/folder", "/folder/m.json", (stored,), frozenset("a"), {}, {}, seconds=1.0)
    moved = replace(RESULT, digests={"sha256": "ab"})
    for result in (moved, extracted, listed, stored, payload):
        assert isinstance(result, dict)
        assert json.loads(json.dumps(result)) == dict(result)
        again = pickle.loads(pickle.dumps(copy.deepcopy(result)))
        assert (again, dict(again), type(again)) == (result, dict(result), type(result))
        assert str(result).startswith(type(result).__name__)
    assert dict(RESULT) == RESULT.as_dict()
    assert dict(payload) == payload.as_dict()
    assert replace(RESULT, name="b")["name"] == "b"
    assert extracted == {"folder": "folder", "files": 2, "size": 10}
    assert listed["artifact"] == listed.artifact


def test_neither_the_content_nor_a_signed_url_shows_in_a_repr():
    assert "the content" not in repr(RESULT)
    assert "c0ffee" not in repr(Grant(url="https://store/blob?signature=c0ffee", method="getUrl"))


def test_values_do_not_change():
    with pytest.raises(AttributeError):
        RESULT.size = 4

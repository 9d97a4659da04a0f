from __future__ import annotations

import json
from types import MappingProxyType

import pytest

from airflow_provider_taskcluster.transfer.model import Grant, TransferResult

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
    content=b"the content",
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


def test_neither_the_content_nor_a_signed_url_shows_in_a_repr():
    assert "the content" not in repr(RESULT)
    assert "c0ffee" not in repr(Grant(url="https://store/blob?signature=c0ffee", method="getUrl"))


def test_values_do_not_change():
    with pytest.raises(AttributeError):
        RESULT.size = 4

from __future__ import annotations

import json

import pytest

from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.secrets.secret_values import connection_text, variable_text

FIELDS = {"conn_type": "http", "host": "h", "login": "l", "password": "p", "schema": "s", "port": 80, "extra": {"a": 1}}


@pytest.mark.parametrize("secret", [FIELDS, {"value": FIELDS}, {**FIELDS, "description": None}])
def test_the_fields_of_a_connection_are_its_json(secret):
    assert json.loads(connection_text(secret)) == FIELDS


@pytest.mark.parametrize("secret", [{"uri": "http://h"}, {"value": "http://h"}])
def test_the_uri_of_a_connection_stays_as_it_is(secret):
    assert connection_text(secret) == "http://h"


@pytest.mark.parametrize(
    ("secret", "named"),
    [
        ({}, "empty"),
        ({"host": "h", "user": "hidden"}, "'user'"),
        ({"uri": "http://hidden", "host": "h"}, "'uri'"),
        ({"uri": ""}, "'uri'"),
        ({"uri": {"host": "hidden"}}, "'uri'"),
        ({"value": 1}, "'value'"),
        ({"value": {}}, "empty"),
        ({"password": 1234}, "'password'"),
        ({"port": "hidden"}, "'port'"),
        ({"port": True}, "'port'"),
        ({"extra": ["hidden"]}, "'extra'"),
    ],
)
def test_another_secret_is_no_connection_and_its_values_are_not_named(secret, named):
    with pytest.raises(InvalidInput, match=named) as caught:
        connection_text(secret)
    assert "hidden" not in str(caught.value)
    assert "1234" not in str(caught.value)


@pytest.mark.parametrize(
    ("secret", "value"),
    [
        ({"value": "text"}, "text"),
        ({"value": ""}, ""),
        ({"value": {"a": [1]}}, '{"a": [1]}'),
        ({"value": 1}, "1"),
        ({"a": 1}, '{"a": 1}'),
        ({"value": 1, "unit": "s"}, '{"value": 1, "unit": "s"}'),
        ({}, "{}"),
    ],
)
def test_a_variable_is_the_value_alone_or_the_whole_object(secret, value):
    assert variable_text(secret) == value

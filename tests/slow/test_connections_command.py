"""``airflow connections test``, as one types it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import sandbox

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def taskcluster():
    with sandbox.taskcluster() as running:
        yield running


@pytest.fixture(scope="module")
def airflow(taskcluster):
    with sandbox.airflow(taskcluster) as made:
        yield made


def said(airflow, conn_id, **fields):
    """Test a connection; what the command says. (Its exit code tells nothing on Airflow 2.)"""
    log = airflow.log.with_name(f"{conn_id}.log")
    environment = dict(airflow.environment)
    if fields:
        environment[f"AIRFLOW_CONN_{conn_id.upper()}"] = json.dumps({"conn_type": "taskcluster", **fields})
    replace(airflow, environment=environment, log=log).run("connections", "test", conn_id)
    return " ".join(log.read_text().split())


def test_a_good_connection_succeeds(airflow, taskcluster):
    output = said(airflow, "taskcluster_default")
    assert "Connection success!" in output
    assert taskcluster.access_token not in output


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"password": "not-the-token"}, "check client ID and access token of client"),
        ({"host": "http://127.0.0.1:1"}, "is it up, and reachable?"),
        ({"extra": {"certificate": "{}"}}, "the certificate is not one of Taskcluster's"),
    ],
    ids=["wrong token", "nobody there", "no certificate"],
)
def test_a_bad_connection_says_what_to_change(airflow, taskcluster, fields, sentence):
    good = {"host": taskcluster.root_url, "login": taskcluster.client_id, "password": taskcluster.access_token}
    output = said(airflow, "bad", **{**good, **fields})
    assert "Connection failed!" in output
    assert sentence in output
    assert "not-the-token" not in output
    assert taskcluster.access_token not in output

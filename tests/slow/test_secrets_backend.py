"""The secrets backend in a real scheduler, worker and triggerer, and notifiers of a task and a DAG."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

import airflow_services
import pytest
from cryptography.fernet import Fernet

from airflow_provider_taskcluster.common.timestamps import iso_timestamp

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

DAGS = Path(__file__).parent / "secret_dags"
BACKEND = "airflow_provider_taskcluster.secrets.taskcluster.TaskclusterSecretsBackend"
WORD = secrets.token_hex(12)


@pytest.fixture
def stored(tc, hook):
    """A connection, a variable and Airflow's key for its database, as secrets."""
    token = tc.add_client("tests/in-secrets", ["*"])
    fields = {"conn_type": "taskcluster", "host": tc.root_url, "login": "tests/in-secrets", "password": token}
    expires = iso_timestamp(datetime.now(UTC) + timedelta(hours=1))
    for name, secret in {
        "airflow/connections/in_secrets": fields,
        "airflow/variables/word": {"value": WORD},
        "airflow/config/fernet": {"value": Fernet.generate_key().decode()},
        "tests/direct": {"a": "b"},
    }.items():
        hook.call("secrets", "set", name, payload={"secret": secret, "expires": expires})
    return token


def test_every_part_of_airflow_reads_what_is_in_secrets(tc, stored):
    settings = {
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "PYTHONPATH": str(DAGS),  # the triggerer imports triggers by their module
        "AIRFLOW__SECRETS__BACKEND": BACKEND,
        "AIRFLOW__SECRETS__BACKEND_KWARGS": json.dumps({"timeout": 5}),
        "AIRFLOW__CORE__FERNET_KEY_SECRET": "fernet",  # the connection in the database is encrypted with it
        **tc.environment,
    }
    with airflow_services.running(tc, **settings) as services, services.explained(), services.triggerer():
        services.trigger("secret_places", "places")
        services.wait_for_end("places")
        query = "SELECT task_id, state FROM task_instance WHERE run_id = 'places'"
        ended = dict(tuple(row) for row in services.rows(query))
        assert ended == {"on_a_worker": "success", "notifies": "failed", "in_a_triggerer": "success"}
        assert [sent.text for sent in tc.outbox.entries(address="C1")] == ["notifies"]
        [of_the_dag] = services.wait_for("the callback of the DAG", lambda: tc.outbox.entries(address="C2"))
        assert of_the_dag.text == "secret_places"
        # What the web UI shows; to its own output, the supervisor of a task writes unmasked lines.
        logs = "\n".join(path.read_text(errors="replace") for path in (services.airflow.home / "logs").rglob("*.log*"))
        assert "the password: ***" in logs
        assert "the variable: ***" in logs
        assert stored not in logs
        assert WORD not in logs
        assert tc.access_token not in logs
        asked = {entry.path.rpartition("%2F")[2] for entry in tc.journal.entries(path="airflow%2F")}
        assert {"in_secrets", "word", "fernet", "taskcluster_default"} <= asked

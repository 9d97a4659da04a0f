"""``TaskclusterNotifier`` as the callback of deadlines that a real scheduler finds missed; a triggerer runs it."""

from __future__ import annotations

from pathlib import Path

import airflow_services
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

RUNS = {"nightly": "late", "denied": "denied"}


def callbacks(services):
    return [state for (state,) in services.rows("SELECT state FROM callback ORDER BY state")]


def test_a_run_that_is_late_notifies_while_it_goes_on(tc, hook, tmp_path):
    denied = {"notificationType": "slack-channel", "notificationAddress": "CDENIED"}
    hook.upstream("notify").addDenylistAddress(denied)
    gate = tmp_path / "gate"
    settings = {
        "AIRFLOW__CORE__DAGS_FOLDER": str(Path(__file__).parent / "deadline_dags"),
        "LATE_GATE": str(gate),
    }
    with airflow_services.running(tc, **settings) as services, services.explained(), services.triggerer():
        for dag_id, run_id in RUNS.items():
            services.trigger(dag_id, run_id)
        [late] = services.wait_for("the message", lambda: tc.outbox.entries(address="C0123456789"))
        assert late.text == "nightly is late"
        [other] = services.wait_for("the address that may be used", lambda: tc.outbox.entries(address="CTOO"))
        assert other.text.startswith("since 20")
        query = "SELECT state FROM callback ORDER BY state"
        services.wait_for(
            "both callbacks", lambda: [state for (state,) in services.rows(query)] == ["failed", "success"]
        )
        gate.touch()
        assert {services.wait_for_end(run_id) for run_id in RUNS.values()} == {"success"}
        assert [sent.text for sent in tc.outbox.entries(address="C0123456789")] == ["nightly is late"]
        assert tc.outbox.entries(address="CDENIED") == []

"""Tasks that a DAG runs end the same on the worker and deferred, for each ``retry_on``, and as the page says."""

from __future__ import annotations

import signal

import ends_table
import pytest
from airflow_lines import AIRFLOW_2
from ends_table import FAILS, NEW, ROWS, SAME, SUCCESS, text_of
from ends_world import World
from waits_in_a_dag import ERRORS, dag_folder, run_in_a_dag

from airflow_provider_taskcluster.tasks import run_log

__all__ = ["dag_folder"]

MODES = {"worker": {"deferrable": False}, "deferrable": {"deferrable": True}}


@pytest.fixture(autouse=True)
def _no_log_is_waited_for(monkeypatch):
    """The worker of this table publishes none."""
    monkeypatch.setattr(run_log, "LATE", 0)
    monkeypatch.setattr(run_log, "LATE_AFTER_EXCEPTION", 0)


@pytest.fixture(autouse=True)
def _handler_of_sigterm():
    """Airflow installs its own, and leaves it."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("database", "dag_folder")
@pytest.mark.parametrize("retry_on", ["default", "named"])
@pytest.mark.parametrize("mode", MODES)
def test_an_end_means_the_same_in_both_modes_and_what_the_table_says(tc, worker, mode, retry_on):
    rows = {name: row for name, row in ROWS.items() if mode in row.modes and getattr(row, retry_on)}
    if (mode, retry_on) == ("deferrable", "named"):  # those of one meaning under both are tried on the worker
        rows = {name: row for name, row in rows.items() if row.named != row.default}
    # A time-out and a SIGTERM end a whole `dag.test()` of 2.11, which then makes no second try.
    alone = [[name] for name in rows if AIRFLOW_2 and name.startswith(("timeout", "killed"))]
    together = [name for name in rows if [name] not in alone]
    found = {}
    with World(tc, worker) as world:

        def make(names):
            for name in names:
                world.operator(name, **MODES[mode], **({"retry_on": rows[name].end} if retry_on == "named" else {}))

        for names in (together, *alone):
            found |= run_in_a_dag(lambda names=names: make(names))
    for name, row in rows.items():
        does = getattr(row, retry_on)
        tries, tasks = {SUCCESS: (1, 1), FAILS: (1, 1), NEW: (2, 2), SAME: (2, 1)}[does]
        state = "failed" if does == FAILS else "success"
        if [name] in alone:
            tries, tasks, state = 1, 1, "up_for_retry"
        instance = found[name]
        seen = (str(instance.state), instance.try_number, len(world.tasks.get(name, [name])))
        assert seen == (state, tries, tasks), name
        assert (world.tasks.get(name, [name])[0] in world.cancels()) is row.canceled, name
        text = world.normal(str(ERRORS.pop(name, "")))
        assert (text == text_of(row, does)) if row.text or does == SUCCESS else (text or [name] in alone), name


def test_the_page_shows_the_table():
    assert ends_table.on_the_page() == ends_table.render(), "write it anew: python tests/airflow/ends_table.py"

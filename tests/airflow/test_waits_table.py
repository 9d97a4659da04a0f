"""Waits end the same in poke, reschedule and deferrable mode, for each flag, and as the page says."""

from __future__ import annotations

import pytest
import waits_table
from airflow_lines import mend_reschedules
from waits_in_a_dag import MODES, dag_folder, ends, run_in_a_dag
from waits_table import FLAGS, ROWS, SKIPPED, SUCCESS
from waits_world import World

__all__ = ["dag_folder"]


@pytest.mark.usefixtures("database", "dag_folder")
@pytest.mark.parametrize("flag", FLAGS, ids=lambda flag: flag or "no_flag")
@pytest.mark.parametrize("mode", MODES)
def test_a_wait_ends_in_every_mode_as_the_table_says(tc, worker, monkeypatch, mode, flag):
    mend_reschedules(monkeypatch)
    world = World(tc, worker, monkeypatch)
    rows = {name: row for name, row in ROWS.items() if mode in row.modes}
    options = {**MODES[mode], **({flag: True} if flag else {})}
    # Airflow's alarm clock takes the place of the tests' own, and its time-out ends a whole `dag.test()` of 2.11.
    timed = rows.keys() & {"execution_timeout"}
    found = ends(run_in_a_dag(lambda: [world.sensor(name, **options) for name in rows if name not in timed]))
    if timed:
        found |= ends(run_in_a_dag(lambda: [world.sensor(name, **options) for name in timed]))
    for timer in world.timers:
        timer.join()
    for name, row in rows.items():
        end = row.ends[FLAGS.index(flag)]
        state = end if end in {SUCCESS, SKIPPED} else "failed"
        error = {SUCCESS: "", SKIPPED: "AirflowSkipException"}.get(end, end)
        assert (found[name].state, found[name].error) == (state, error), name
        assert world.normal(found[name].text) == row.text_with(flag), name


def test_the_page_shows_the_table():
    assert waits_table.on_the_page() == waits_table.render(), "write it anew: python tests/airflow/waits_table.py"

"""Workers, the broker, the database and a triggerer are lost: nothing is lost of the work, little is done again."""

from __future__ import annotations

import os
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import airflow_services
import pytest
from transfer_run import CONNECTIONS, PART_SIZE, TASKS, UPLOADS

pytestmark = [pytest.mark.filterwarnings("ignore::DeprecationWarning")]

AWAY_SECONDS = 20
WAITS_DAG_FILE = Path(__file__).parents[1] / "slow/dags/deferred_waits.py"
AIRFLOW_2 = airflow_services.AIRFLOW_2
ONCE = dict.fromkeys(TASKS, ("success", 1))


@pytest.mark.core
def test_what_a_lost_worker_was_doing_is_finished_by_others(cluster, traffic, transfer_run, say):
    run = transfer_run("lost")
    with cluster.services.explained():
        cluster.run_on("w1")
        run.bring_to_the_middle()
        cluster.run_on("w1", "w2", "w3")
        assert run.in_the_middle() == TASKS
        traffic.note_loss()
        cluster.lose("w1")
        run.go_on()
        run.wait_for_success()
        again = run.moved_again()
        say(f"\nA worker lost in the middle of transfers of {len(run.content)} bytes; moved again: {again}")
        assert {state for state, _ in cluster.tries("lost").values()} == {"success"}
        assert all(number == 2 or AIRFLOW_2 for _, number in cluster.tries("lost").values())  # it may see a death twice
        run.check_contents()
        assert 0 <= again["parts"] <= PART_SIZE * CONNECTIONS
        assert 0 <= again["download"] < len(run.content) / 2
        assert max(again[name] for name in UPLOADS) <= len(run.content)


@pytest.mark.core
def test_a_worker_that_is_told_to_end_finishes_what_it_does(cluster, transfer_run, say):
    run = transfer_run("told_to_end")
    with cluster.services.explained():
        cluster.run_on("w2", "w3")
        run.bring_to_the_middle()
        cluster.workers["w2"].terminate()
        time.sleep(2)
        assert run.in_the_middle() == TASKS
        run.go_on()
        assert cluster.workers["w2"].wait_for_end() == 0
        run.wait_for_success()
        say(f"\nA worker told to end; moved again: {run.moved_again()}")
        assert cluster.tries("told_to_end") == ONCE
        run.check_contents()
        assert set(run.moved_again().values()) == {0}


@pytest.mark.core
def test_a_lost_triggerer_loses_no_wait_and_doubles_none(cluster, tc, waited_for, say):
    triggerers = "SELECT triggerer_id, count(*) FROM trigger WHERE triggerer_id IS NOT NULL GROUP BY triggerer_id"
    waits = "SELECT state, count(*) FROM task_instance WHERE dag_id LIKE 'task_waits_%' GROUP BY state"
    with cluster.services.explained():
        cluster.run_on("w2", "w3")
        began = time.monotonic()
        cluster.deploy(WAITS_DAG_FILE)
        total = len(waited_for)
        shares = cluster.services.wait_for(
            "waits at both triggerers",
            lambda: len(rows := cluster.services.rows(triggerers)) == 2 and sum(n for _, n in rows) == total and rows,
            900,
        )
        deferred = time.monotonic() - began
        tc.journal.clear()
        cluster.triggerers["t1"].kill()
        tc.bulk.resolve(waited_for)
        killed = time.monotonic()
        cluster.services.wait_for(
            "the end of all", lambda: dict(cluster.services.rows(waits)) == {"success": total}, 900
        )
        seconds = time.monotonic() - killed
        looks = Counter(
            entry.path.split("/")[-2]
            for entry in tc.journal.entries(origin="api", path="/status")
            if entry.client_id != tc.client_id
        )
        tries = cluster.services.rows("SELECT DISTINCT try_number FROM task_instance WHERE dag_id LIKE 'task_waits_%'")
        lost, twice = total - len(looks), looks.total() - len(looks)
        say(f"\n{total} waits deferred in {deferred:.0f} s, shared as {[n for _, n in shares]}; a triggerer killed,")
        say(f"all at their end {seconds:.0f} s later; lost: {lost}, done twice: {twice}")
        assert looks == dict.fromkeys(waited_for, 1)
        assert [tuple(row) for row in tries] == [(1,)]
        cluster.triggerers["t1"].start()


def test_runs_that_write_the_same_names_at_once_leave_one_whole_file(
    cluster, tc, gate, traffic, transfer_run, hook, say
):
    run = transfer_run("same")
    (other := cluster.shared / "other_source").write_bytes(os.urandom(len(run.content)))
    sources = {"same_1": cluster.shared / "source", "same_2": cluster.shared / "source", "different": other}
    expires = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    (downloaded,) = run.names("download")
    with cluster.services.explained():
        cluster.run_on("w2", "w3")
        gate.close()
        for run_id, source in sources.items():
            cluster.services.trigger("same_names", run_id, source=str(source), expires=expires, object=downloaded)
        cluster.services.wait_for("two uploads", lambda: len(traffic.requests({"same/object"}, "PUT")) == 2)
        cluster.services.wait_for("downloads", lambda: len(traffic.requests({downloaded}, "GET")) >= 3)
        gate.open()
        ends = {run_id: cluster.services.wait_for_end(run_id) for run_id in sources}
        tries = {run_id: cluster.tries(run_id) for run_id in sources}
        say(f"\nRuns that write the same names: {tries}")
        stored = hook.read_object("same/object")
        assert ends == {
            name: "success" if source.read_bytes() == stored else "failed" for name, source in sources.items()
        }
        assert {each["download"] for each in tries.values()} == {("success", 1)}
        folder = cluster.shared / "same"
        assert [path.name for path in folder.iterdir()] == ["download"]
        assert (folder / "download").read_bytes() == run.content


def test_a_broker_that_is_restarted_ends_no_transfer(cluster, transfer_run, say):
    run = transfer_run("broker")
    with cluster.services.explained():
        cluster.run_on("w2", "w3")
        run.bring_to_the_middle()
        cluster.broker.away(3)
        time.sleep(2)
        assert run.in_the_middle() == TASKS
        run.go_on()
        run.wait_for_success()
        say(f"\nThe broker restarted: {cluster.tries('broker')}; moved again: {run.moved_again()}")
        run.check_contents()
        assert run.moved_again()["parts"] <= PART_SIZE * CONNECTIONS


def test_transfers_outlive_a_database_that_is_away(cluster, traffic, transfer_run, say):
    run = transfer_run("database")
    with cluster.services.explained():
        cluster.run_on("w2", "w3")
        run.bring_to_the_middle()
        traffic.note_loss()
        cluster.database.stop()
        time.sleep(AWAY_SECONDS / 2)
        run.go_on()  # some end while there is no database to write it to
        time.sleep(AWAY_SECONDS / 2)
        cluster.database.start()
        run.wait_for_success()
        say(f"\nThe database was away for {AWAY_SECONDS} s: {cluster.tries('database')}; again: {run.moved_again()}")
        run.check_contents()
        assert run.moved_again()["parts"] <= PART_SIZE * CONNECTIONS

"""Hundreds of deferred sensors under a real triggerer: their requests and ends."""

from __future__ import annotations

import json
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import airflow_services
import pytest
import sqlalchemy

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

INTERVAL = 5
# Waits for artifacts, some of them of tasks that are running; and waits for tasks. A worker's task costs Airflow 2.11
# more than a second of processor time before it looks: the latter are deferred by the scheduler, without workers.
ARTIFACTS, RUNNING, TASKS = 60, 20, 240
RESOLVED, REMOVED, ADDED, RESOLVED_LATER = 5, 20, 10, 3
RAMP = 600  # seconds of patience until all are deferred


@pytest.fixture(scope="module")
def task_ids(tc):
    return tc.bulk.create(TASKS)


@pytest.fixture(scope="module")
def services(tc, task_ids):
    settings = {
        "AIRFLOW__CORE__DAGS_FOLDER": str(Path(__file__).parent / "dags"),
        "WAITS_ON_TASKS": json.dumps(task_ids),
        "WAITS_INTERVAL": str(INTERVAL),
        **airflow_services.DEAD_TRIGGERERS_ARE_SEEN_SOON,
    }
    with airflow_services.running(tc, **settings) as running:
        yield running


@pytest.fixture
def triggerer(tc, services):
    """Starts triggerers, which act as a client of their own: that tells their requests from those of the workers."""
    client_id = "tests/triggerer"
    connection = {
        "conn_type": "taskcluster",
        "host": tc.root_url,
        "login": client_id,
        "password": tc.add_client(client_id, ["*"]),
    }

    def start():
        return services.triggerer(AIRFLOW_CONN_TASKCLUSTER_DEFAULT=json.dumps(connection))

    start.client_id = client_id
    return start


class Requests:
    """What a client asks of the emulator during a block."""

    def __init__(self, tc, client_id, say):
        self.tc = tc
        self.client_id = client_id
        self.say = say
        self.tasks_on_page = 0
        tc.observers.append(self._observe)

    def _observe(self, _service, operation, _status, answer):
        if operation == "statuses":
            self.tasks_on_page = len(answer["statuses"])

    @contextmanager
    def counted(self, what, *, extra=0):
        """Count, and hold that no interval had more than its share, and the block no more than ``extra`` besides."""
        began = time.monotonic()
        with self.tc.journal.recording() as seen:
            yield
        intervals = (time.monotonic() - began) / INTERVAL
        counts = Counter(kind(entry) for entry in seen if entry.client_id == self.client_id)
        each = counts.total() / intervals
        self.say(f"{what}: {each:.1f} requests in {INTERVAL} s; in {intervals:.1f} times that: {dict(counts)}")
        assert counts.keys() <= {"statuses", "artifacts"}
        assert intervals / 2 <= counts["statuses"] <= intervals + 1 + extra
        assert counts["artifacts"] <= (intervals + 1) * RUNNING


def kind(entry):
    if entry.path.endswith("/status"):
        return "statuses"
    return "artifacts" if entry.path.endswith("/artifacts") else entry.path


def count(services, state):
    return services.rows("SELECT count(*) FROM task_instance WHERE state = :s AND task_id LIKE 'wait%'", s=state)[0][0]


def remove(services, number):
    """Mark the first so many waits for tasks as failed, as somebody does in the web UI."""
    names = ", ".join(f"'wait_{n}'" for n in range(number))
    with services.database.begin() as connection:
        query = f"UPDATE task_instance SET state = 'failed' WHERE task_id IN ({names})"
        assert connection.execute(sqlalchemy.text(query)).rowcount == number


def test_hundreds_of_waits_share_their_requests_and_survive_their_triggerer(tc, services, task_ids, triggerer, say):
    requests = Requests(tc, triggerer.client_id, say)
    waited_for = [*tc.bulk.create(ARTIFACTS - RUNNING), *tc.bulk.create(RUNNING, state="running")]
    waits = ARTIFACTS + TASKS
    with services.explained():
        with triggerer():
            began = time.monotonic()
            with tc.journal.recording() as seen:
                services.trigger("artifact_waits", "first", task_ids=waited_for)
                services.wait_for("all to be deferred", lambda: count(services, "deferred") == waits, RAMP)
            looks = [entry for entry in seen if entry.client_id != triggerer.client_id]
            seconds = time.monotonic() - began
            say(f"\n{waits} waits deferred in {seconds:.0f} s, {ARTIFACTS} of them by workers in {len(looks)} requests")
            assert len(looks) == ARTIFACTS + RUNNING

            time.sleep(2 * INTERVAL)  # the first looks of the triggerer have rounds of their own
            with requests.counted("Nothing changes"):
                time.sleep(5 * INTERVAL)
            assert requests.tasks_on_page == waits

            with requests.counted("Waits come and go", extra=ADDED):
                tc.bulk.resolve(task_ids[-RESOLVED:])
                remove(services, REMOVED)
                services.trigger("artifact_waits", "second", task_ids=tc.bulk.create(ADDED))
                waits += ADDED - REMOVED - RESOLVED
                services.wait_for("the end of some", lambda: count(services, "success") == RESOLVED)
                services.wait_for("others to be deferred", lambda: count(services, "deferred") == waits)
                services.wait_for("a page of those that wait", lambda: requests.tasks_on_page == waits)

            services.kill_triggerer()
            tc.bulk.resolve(task_ids[-RESOLVED - RESOLVED_LATER : -RESOLVED])
        with tc.journal.recording() as seen:
            time.sleep(2 * INTERVAL)
        assert len(seen) == 0
        assert count(services, "deferred") == waits
        with triggerer():
            waits -= RESOLVED_LATER
            ended = RESOLVED + RESOLVED_LATER
            services.wait_for("the end of more", lambda: count(services, "success") == ended)
            services.wait_for("a page of the others", lambda: requests.tasks_on_page == waits)
            with requests.counted("After a triggerer was killed, and another started"):
                time.sleep(3 * INTERVAL)
            assert requests.tasks_on_page == waits
            assert count(services, "deferred") == waits

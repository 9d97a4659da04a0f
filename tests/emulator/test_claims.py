"""Claims of work: claimWork waits for tasks, and claims last for a time."""

from __future__ import annotations

import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from urllib.parse import urlsplit

import mohawk
import pytest
from emulator_clients import Clients, eventually, refused

from airflow_provider_taskcluster.emulator import Emulator, Settings
from airflow_provider_taskcluster.emulator.clock import from_json
from airflow_provider_taskcluster.emulator.worker import Worker

REQUEST = {"workerGroup": "g", "workerId": "w", "tasks": 5}


@pytest.fixture(scope="module")
def patient():
    """An emulator whose claimWork waits as long as the real one."""
    with Emulator() as tc:
        yield Clients(tc, {"clientId": tc.client_id, "accessToken": tc.access_token})


@pytest.fixture
def queue_worker(patient):
    return Worker(patient.tc.root_url, patient.credentials)


@pytest.fixture
def claiming(patient, queue_worker):
    """A claimWork on its way; its future gives the claims and the seconds it took."""

    def claim():
        start = time.monotonic()
        claims = patient.queue.claimWork(queue_worker.task_queue_id, REQUEST)["tasks"]
        return claims, time.monotonic() - start

    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(claim)


def instant(text):
    return datetime.fromisoformat(text)


def test_an_empty_queue_is_answered_after_the_seconds_that_are_set():
    with Emulator(settings=Settings(claim_work_seconds=0.5)) as tc:
        queue = Clients(tc, {"clientId": tc.client_id, "accessToken": tc.access_token}).queue
        start = time.monotonic()
        assert queue.claimWork("emulator/empty", REQUEST) == {"tasks": []}
        assert 0.5 <= time.monotonic() - start < 2
    assert Settings().claim_work_seconds == 20


def test_work_is_waited_for_and_claimed_as_soon_as_it_comes(queue_worker, claiming):
    time.sleep(0.3)
    assert not claiming.done()
    task_id = queue_worker.create_task()
    claims, seconds = claiming.result(timeout=5)
    assert [claim["status"]["taskId"] for claim in claims] == [task_id]
    assert 0.3 <= seconds < 3


def test_other_calls_are_served_while_one_waits(patient, queue_worker, claiming):
    start = time.monotonic()
    assert patient.auth.currentScopes() == {"scopes": ["*"]}
    assert time.monotonic() - start < 2
    assert not claiming.done()
    queue_worker.create_task()
    assert claiming.result(timeout=5)


def test_a_client_that_has_gone_claims_nothing(patient, queue_worker):
    path = f"/api/queue/v1/claim-work/{queue_worker.task_queue_id.replace('/', '%2F')}"
    body, kind = json.dumps(REQUEST), "application/json"
    key = {"id": patient.credentials["clientId"], "key": patient.credentials["accessToken"], "algorithm": "sha256"}
    url = patient.tc.root_url + path
    header = mohawk.Sender(key, url, "POST", content=body, content_type=kind).request_header
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    connection.request("POST", path, body, {"Content-Type": kind, "Authorization": header})
    journal = patient.tc.journal
    eventually(lambda: journal.entries(path=path))
    time.sleep(0.2)
    connection.close()
    time.sleep(0.3)
    task_id = queue_worker.create_task()
    time.sleep(0.3)
    assert patient.queue.status(task_id)["status"]["state"] == "pending"


def test_a_call_that_waits_is_answered_when_the_emulator_stops(caplog):
    with ThreadPoolExecutor(1) as pool:
        with Emulator() as tc:
            queue = Clients(tc, {"clientId": tc.client_id, "accessToken": tc.access_token}).queue
            waiting = pool.submit(queue.claimWork, "emulator/empty", REQUEST)
            eventually(lambda: tc.journal.entries(path="/claim-work/"))
            time.sleep(0.2)
        assert waiting.result(timeout=5) == {"tasks": []}
    assert "Traceback" not in caplog.text


def test_a_claim_without_scopes_is_refused_at_once(holding):
    with refused(403, "InsufficientScopes"):
        holding("queue:claim-work:emulator/*").queue.claimWork("emulator/empty", REQUEST)


def test_a_claim_lasts_20_minutes_and_is_written_in_two_ways(root, worker):
    worker.create_task()
    (claim,) = root.queue.claimWork(worker.task_queue_id, REQUEST)["tasks"]
    run = claim["status"]["runs"][0]
    assert (instant(run["takenUntil"]) - instant(run["started"])).total_seconds() == 1200
    assert claim["takenUntil"].endswith("+00:00")
    assert run["takenUntil"].endswith("Z")
    assert instant(claim["takenUntil"]) == instant(run["takenUntil"])


def test_credentials_of_a_claim_hold_three_scopes_and_those_of_the_task(root, worker):
    task_id = worker.create_task(scopes=["secrets:get:mine"])
    (claim,) = root.queue.claimWork(worker.task_queue_id, REQUEST)["tasks"]
    certificate = json.loads(claim["credentials"]["certificate"])
    verbs = ("reclaim-task", "resolve-task", "create-artifact")
    assert set(certificate["scopes"]) == {"secrets:get:mine", *(f"queue:{verb}:{task_id}/0" for verb in verbs)}
    assert claim["credentials"]["clientId"].startswith(f"task-client/{task_id}/0/on/g/w/until/")
    assert certificate["expiry"] == from_json(claim["takenUntil"])


def test_a_run_has_only_the_keys_that_apply(root, worker):
    task_id = worker.create_task()
    (pending,) = root.queue.status(task_id)["status"]["runs"]
    assert set(pending) == {"runId", "state", "reasonCreated", "scheduled"}
    worker.claim(task_id)
    (running,) = root.queue.status(task_id)["status"]["runs"]
    assert set(running) - set(pending) == {"workerGroup", "workerId", "takenUntil", "started"}


def test_a_reclaim_moves_the_end_of_a_claim_and_gives_new_credentials(root, run):
    before = root.queue.status(run.task_id)["status"]["runs"][0]["takenUntil"]
    with root.tc.clock.advanced(minutes=10):
        reclaimed = run.queue.reclaimTask(run.task_id, 0)
        assert (instant(reclaimed["takenUntil"]) - instant(before)).total_seconds() >= 600
        assert reclaimed["takenUntil"] == reclaimed["status"]["runs"][0]["takenUntil"]
        assert reclaimed["credentials"] != run.credentials
    with root.tc.clock.advanced(minutes=25):
        assert root.queue.status(run.task_id)["status"]["state"] == "running"
    run.complete()
    with refused(409, "RequestConflict"):
        run.queue.reclaimTask(run.task_id, 0)


def test_the_length_of_a_claim_can_be_set():
    with Emulator(settings=Settings(claim_seconds=0.5)) as tc:
        worker = Worker(tc.root_url, {"clientId": tc.client_id, "accessToken": tc.access_token})
        run = worker.claim(worker.create_task())
        states = eventually(lambda: [r["state"] for r in run_states(worker, run) if r["runId"] == 1])
        assert states == ["pending"]
        with refused(409, "RequestConflict"):
            worker.queue.reclaimTask(run.task_id, 0)


def run_states(worker, run):
    return worker.queue.status(run.task_id)["status"]["runs"]

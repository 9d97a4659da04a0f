"""An upload whose task is killed in mid-transfer, under a scheduler: the next try, with empty disks, takes it up."""

from __future__ import annotations

import asyncio
import filecmp
import json
import os
import signal
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote, urlsplit

import airflow_services
import psutil
import pytest

from airflow_provider_taskcluster.emulator.store.blobs import Blobs
from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

DAG = "upload_with_retries"
SIZE = 40_000_000  # five parts
SENT_AT_KILL = 1_000_000  # of a part

# Without permanent credentials the key of the upload ids is random, and kept by Airflow: 3.3 has a place for it.
CONNECTIONS = ["taskcluster_default"] if airflow_services.AIRFLOW_2 else ["taskcluster_default", "temporary"]


@dataclass(frozen=True)
class Sip:
    """The store takes a body so slowly that the client is still sending it when the test looks.

    :param paths: Gets the URL paths of these bodies.
    """

    paths: list[str]

    async def answer(self, exchange):
        async def receive():
            await asyncio.sleep(0.5)
            return await exchange.receive()

        self.paths.append(exchange.scope["raw_path"].decode())
        await exchange.app(exchange.scope, receive, exchange.send)


class Uploads:
    """What an emulator sees of one upload."""

    def __init__(self, tc):
        """Begin to look, and let all bodies after the first two be slow."""
        self.tc = tc
        self.ids = {}  # of each URL path in the store, in the order in which they were granted
        self.slow = []
        tc.journal.clear()
        tc.faults.clear()
        tc.faults.add(Sip(self.slow), method="PUT", nth=3, times=1000)
        tc.observers.append(self._granted)

    def _granted(self, _service, operation, _status, answer):
        if operation == "createUpload" and "putUrl" in answer["uploadMethod"]:
            path = urlsplit(answer["uploadMethod"]["putUrl"]["url"]).path
            self.ids.setdefault(path, []).append(answer["uploadId"])

    def finished(self):
        """Paths in the store of the uploads that were finished."""
        calls = self.tc.journal.entries(origin="api", method="POST", path="/finish-upload/")
        names = [unquote(call.path.partition("/finish-upload/")[2]) for call in calls if call.status == 200]
        return {Blobs.path("objects", name) for name in names}

    def no_call_is_open(self):
        return all(call.seconds is not None for call in self.tc.journal.entries(origin="api"))

    def puts(self):
        return self.tc.journal.entries(origin="store", method="PUT")

    def in_the_middle(self):
        """A slow PUT of which some is there and some is not, if there is one and other parts are finished."""
        under_way = (put for put in self.puts() if put.path in self.slow and put.received > SENT_AT_KILL)
        return next(under_way, None) if self.finished() else None


@pytest.fixture(scope="module")
def services(tc):
    with airflow_services.running(tc, AIRFLOW_CONN_TEMPORARY=temporary_connection(tc)) as running:
        yield running


def temporary_connection(tc):
    """A connection with credentials that hold no secret which stays the same."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in tc.environment.items():
            environment.setenv(name, value)
        issued = TaskclusterHook("not_defined").temporary_credentials(
            ["object:upload:tests:airflow-demo/*"], datetime.now(UTC) + timedelta(hours=1)
        )
    return json.dumps(
        {
            "conn_type": "taskcluster",
            "host": tc.root_url,
            "login": issued.client_id,
            "password": issued.access_token,
            "extra": {"project_id": "tests", "certificate": issued.certificate},
        }
    )


@pytest.mark.parametrize("connection", CONNECTIONS)
def test_a_killed_upload_is_taken_up_by_the_next_try(tc, services, hook, tmp_path, connection):
    source, run_id = tmp_path / "source", f"killed_{connection}"
    source.write_bytes(os.urandom(SIZE))
    uploads = Uploads(tc)
    with services.explained():
        services.trigger(DAG, run_id, file=str(source), connection=connection)
        put = services.wait_for("an upload in mid-transfer", uploads.in_the_middle)
        kill_sender(services, tc, put)
        services.empty_disks()
        if not airflow_services.AIRFLOW_2:
            assert kept_keys(services, run_id) == ([False, True] if connection == "temporary" else [False])
        services.wait_for("the end of all calls", uploads.no_call_is_open)
        finished, known, sent = uploads.finished(), set(uploads.ids), len(uploads.puts())
        tc.faults.clear()

        assert services.wait_for_end(run_id) == "success"
        assert tries(services, run_id) == [("success", 2)]
        assert airflow_services.AIRFLOW_2 or kept_keys(services, run_id) == []
        assert finished
        assert put.path in known - finished
        assert len(uploads.ids[put.path]) > 1, "the second try did not ask for the same object again"
        assert {path: set(ids) for path, ids in uploads.ids.items() if len(set(ids)) > 1} == {}
        assert finished.isdisjoint(put.path for put in uploads.puts()[sent:])
        hook.download_object(f"airflow-demo/{run_id}/large-file", tmp_path / "copy")
        assert filecmp.cmp(source, tmp_path / "copy", shallow=False)


def kill_sender(services, tc, put):
    """Kill the process at the other end of a PUT, which must be one that the scheduler started."""
    here, there = put.connection[1], urlsplit(tc.store_url).port
    (pid,) = {
        connection.pid
        for connection in psutil.net_connections("tcp")
        if connection.raddr and (connection.laddr.port, connection.raddr.port) == (here, there)
    }
    sender = psutil.Process(pid)
    assert services.scheduler.pid in [parent.pid for parent in sender.parents()]
    assert put.status is None
    sender.send_signal(signal.SIGKILL)
    sender.wait(10)


def kept_keys(services, run_id):
    """Of each record that Airflow keeps of an upload of this run: whether there is a key in it."""
    rows = services.rows("SELECT value FROM task_state_store WHERE run_id = :run_id", run_id=run_id)
    return sorted(json.loads(value)["key"] is not None for (value,) in rows)


def tries(services, run_id):
    """State and number of the last try of each task. The run was triggered by hand, for no logical date."""
    if not airflow_services.AIRFLOW_2:
        assert services.rows("SELECT logical_date FROM dag_run WHERE run_id = :run_id", run_id=run_id) == [(None,)]
    return services.rows("SELECT state, try_number FROM task_instance WHERE run_id = :run_id", run_id=run_id)

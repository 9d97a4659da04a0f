"""Transfers that are told to end in the middle: how soon they do, and what they leave."""

from __future__ import annotations

import os
import threading
import time

import pytest
from local_servers import Quiet, self_signed, serving

from airflow_provider_taskcluster.emulator.store.faults import Both, Ignore
from airflow_provider_taskcluster.exceptions import ConnectionFailed, Interrupted
from airflow_provider_taskcluster.network import Network
from airflow_provider_taskcluster.transfer.http import Store

SMALL = os.urandom(1_000_000)


@pytest.fixture
def stopped(connect):
    """Run what gets a hook that is told to stop while it does it; return after how many seconds it was interrupted."""

    def run(transfer, after=0.5):
        hook = connect(extra={"read_timeout": 20})
        timer = threading.Timer(after, hook.stop)
        started = time.monotonic()
        timer.start()
        with pytest.raises(Interrupted, match="told to stop"):
            transfer(hook)
        timer.join()
        return time.monotonic() - started

    return run


class Unframed:
    """A body whose end only the connection tells, and that falls silent after some bytes."""

    def __init__(self, after):
        self.after = after

    async def answer(self, exchange):
        await exchange.wire.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + SMALL[: self.after])
        await exchange.client_gone()


@pytest.mark.parametrize("after", [0, 300_000])
def test_a_body_that_only_its_connection_ends_is_not_taken_for_complete(stopped, run, tc, tmp_path, after):
    run.add("public/s", SMALL, storage_type="s3")
    tc.faults.add(Both(Unframed(after), Ignore("range")), method="GET", times=9)
    stopped(lambda hook: hook.download_artifact(run.task_id, "public/s", tmp_path / "s"))
    assert not list(tmp_path.iterdir())


def test_what_is_still_encrypted_is_not_taken_for_the_body(tmp_path):
    """A TLS socket that was shut down gives out what is under way as it is."""
    enough = threading.Event()

    class Sending(Quiet):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(SMALL)))
            self.end_headers()
            self.wfile.write(SMALL[:500_000])
            enough.wait(10)

    certificate = self_signed(tmp_path)
    with serving(Sending, certificate=certificate) as url:
        store = Store(Network(verify=str(certificate), proxies={}))
        with store.get(url, {}) as answer:
            buffer = memoryview(bytearray(1000))
            assert answer.readinto(buffer) == 1000
            time.sleep(0.3)  # more has arrived
            answer.abort()
            with pytest.raises(ConnectionFailed):
                while answer.readinto(memoryview(bytearray(100_000))):
                    pass
        enough.set()
        store.close()

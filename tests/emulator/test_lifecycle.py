"""Life cycle of the emulator as a library and as a command: start, restart, stop, clean-up."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from emulator_clients import Clients, Upload, eventually, refused
from emulator_clients import http as call

from airflow_provider_taskcluster.emulator import Emulator, Lifetimes, Settings, serving
from airflow_provider_taskcluster.emulator.serving import EmulatorEndedError

COMMAND = [sys.executable, "-m", "airflow_provider_taskcluster.emulator"]


def root_of(tc):
    return Clients(tc, {"clientId": tc.client_id, "accessToken": tc.access_token})


class Command:
    """A running emulator process, with the attributes that a library one has."""

    def __init__(self, process):
        self.process = process
        self.__dict__.update(json.loads(process.stdout.readline()))


@contextmanager
def command(*arguments, stop=signal.SIGTERM):
    with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield Command(process)
        finally:
            process.send_signal(stop)
            process.rest, process.log = process.communicate(timeout=20)


def test_nothing_is_left_when_the_block_ends(recwarn):
    before = set(threading.enumerate())
    with Emulator() as tc:
        folder = tc.store.blobs.folder
        Upload(root_of(tc)).done()
        addresses = [urlsplit(url) for url in (tc.root_url, tc.store_url)]
        kept = socket.create_connection((addresses[0].hostname, addresses[0].port))
    assert set(threading.enumerate()) == before
    assert not folder.exists()
    for address in addresses:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((address.hostname, address.port))
    kept.close()
    gc.collect()
    assert [str(w.message) for w in recwarn if issubclass(w.category, ResourceWarning)] == []


def test_the_block_ends_while_a_transfer_is_under_way():
    with Emulator() as tc:
        grant = Upload(root_of(tc)).put_url(1000)
        parts = urlsplit(grant["url"])
        wire = socket.create_connection((parts.hostname, parts.port))
        head = "".join(f"{name}: {value}\r\n" for name, value in grant["headers"].items())
        wire.sendall(f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: x\r\n{head}\r\nx".encode())
        eventually(lambda: tc.journal.entries(origin="store"))
    wire.close()


def test_an_occupied_port_is_an_error_and_leaves_nothing():
    with Emulator() as tc, pytest.raises(OSError, match="in use"):
        Emulator(port=urlsplit(tc.root_url).port).__enter__()


def test_one_whose_loop_ends_says_so_and_refuses_at_once(caplog):
    with pytest.raises(EmulatorEndedError, match=r"ended by itself: .*loop stopped") as caught, Emulator() as tc:  # noqa: PT012
        tc.anonymous_scopes = ["*"]
        parts = urlsplit(tc.root_url)
        kept = socket.create_connection((parts.hostname, parts.port), timeout=10)
        tc.observers.append(lambda *_: asyncio.get_running_loop().stop())
        with contextlib.suppress(OSError, http.client.HTTPException):
            call("GET", f"{tc.root_url}/api/auth/v1/scopes/current")
        eventually(lambda: not tc.running)
        with kept:
            assert kept.recv(1) == b""
        with pytest.raises(urllib.error.URLError, match="refused"):
            call("GET", f"{tc.root_url}/api/auth/v1/scopes/current")
        with pytest.raises(urllib.error.URLError, match="refused"):
            call("GET", tc.store_url)
        assert "The emulator ended by itself, and answers no more" in caplog.text
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert "loop stopped" in caplog.text


def test_one_whose_server_fails_while_it_starts_says_so(monkeypatch):
    async def startup(*_):
        raise OSError("no room")

    monkeypatch.setattr(serving.Server, "startup", startup)
    with pytest.raises(RuntimeError, match="the emulator did not start"):
        Emulator().__enter__()


def test_two_emulators_know_nothing_of_each_other():
    with Emulator() as one, Emulator() as other:
        upload = Upload(root_of(one)).done()
        with refused(404, "ResourceNotFound"):
            root_of(other).object.object(upload.name)
        with refused(401, "AuthenticationFailed"):
            Clients(other, root_of(one).credentials).object.object(upload.name)


def test_the_state_survives_in_its_folder(tmp_path):
    with Emulator(data_dir=tmp_path) as tc:
        upload = Upload(root_of(tc)).done()
        tc.anonymous_scopes = ["x"]
        token = tc.add_client("tests/kept", ["object:download:*"])
        credentials = root_of(tc).credentials
    with Emulator(data_dir=tmp_path) as tc:
        assert root_of(tc).credentials == credentials
        assert tc.anonymous_scopes == ["x"]
        upload.clients = Clients(tc, {"clientId": "tests/kept", "accessToken": token})
        assert call("GET", upload.get_url()["url"])[2] == b"hello"


@pytest.fixture
def open_umask():
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder):
    return {path.name: oct(path.stat().st_mode & 0o777) for path in folder.iterdir()}


@pytest.mark.usefixtures("open_umask")
@pytest.mark.parametrize("before", ["absent", "empty", "used"])
def test_what_is_kept_is_for_its_owner_alone(tmp_path, before):
    folder = tmp_path / "deep" / "data"
    if before != "absent":
        folder.mkdir(parents=True)
    if before == "used":  # by a version that left it open, and that was killed
        for name in ("state.sqlite", "state.sqlite-wal", "state.sqlite-shm"):
            (folder / name).touch()
    with Emulator(data_dir=folder):
        assert folder.stat().st_mode & 0o777 == 0o700
        files = {name: mode for name, mode in modes(folder).items() if name.startswith("state")}
        assert files == dict.fromkeys(["state.sqlite", "state.sqlite-wal", "state.sqlite-shm"], "0o600")


@pytest.mark.usefixtures("open_umask")
def test_a_folder_that_others_use_too_stays_as_it_is_and_what_is_made_in_it_is_private(tmp_path):
    (tmp_path / "of others").touch()
    tmp_path.chmod(0o777)
    with Emulator(data_dir=tmp_path):
        assert tmp_path.stat().st_mode & 0o777 == 0o777
        assert {mode[-2:] for name, mode in modes(tmp_path).items() if name != "of others"} == {"00"}


def test_lifetimes_can_be_set():
    with Emulator(settings=Settings(lifetimes=Lifetimes(get_url=5))) as tc:
        url = Upload(root_of(tc)).done().get_url()["url"]
        with tc.clock.advanced(seconds=11):
            assert call("GET", url)[0] == 403


def test_another_server_can_serve_the_files(tmp_path):
    settings = Settings(store_url="http://store.example:8081/")
    with Emulator(data_dir=tmp_path, settings=settings) as tc:
        url = urlsplit(Upload(root_of(tc)).done().get_url()["url"])
        assert url.netloc == "store.example:8081"
        assert (tmp_path / "store" / url.path[1:]).read_bytes() == b"hello"


def test_the_command_prints_one_line_and_serves():
    with command() as tc:
        assert tc.root_url.startswith("http://127.0.0.1:")
        assert root_of(tc).auth.currentScopes() == {"scopes": ["*"]}
        url = Upload(root_of(tc)).done().get_url()["url"]
        assert url.startswith(tc.store_url)
        assert call("GET", url)[2] == b"hello"
    assert (tc.process.returncode, tc.process.rest) == (0, "")
    assert "PUT /api/object/v1/upload/" in tc.process.log
    assert tc.access_token not in tc.process.log
    assert "X-Signature" not in tc.process.log


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_the_command_survives_a_restart_and_stops_on_signals(tmp_path, stop):
    folder = ["--data-dir", str(tmp_path)]
    with command(*folder, stop=stop) as tc:
        upload = Upload(root_of(tc)).done()
        token = tc.access_token
    assert tc.process.returncode == 0
    with command(*folder, stop=stop) as tc:
        assert tc.access_token == token
        assert root_of(tc).object.object(upload.name)["projectId"] == "tests"


def test_the_command_takes_the_switches():
    switches = ["--upload-methods", "--download-methods", "simple", "--store-url", "http://elsewhere.example"]
    with command(*switches, "--get-url-seconds", "1", "--purge-cache-seconds", "0") as tc:
        assert tc.store_url == "http://elsewhere.example"
        upload = Upload(root_of(tc))
        assert upload.inline()["uploadMethod"] == {}
        upload.finish()
        with refused(406, "NoMatchingMethod"):
            upload.get_url()
        assert upload.get_url(method="simple")["url"].startswith("http://elsewhere.example/objects/")


def test_the_worker_command_publishes_a_file(tc, root, tmp_path):
    file = Path(tmp_path / "report.txt")
    file.write_bytes(b"hello" * 5000)
    command = [sys.executable, "-m", "airflow_provider_taskcluster.emulator.worker"]
    arguments = ["--artifact", f"public/report.txt={file}", "--storage-type", "s3", "--gzip"]
    environment = {**os.environ, **tc.environment}
    done = subprocess.run(
        [*command, *arguments], env=environment, capture_output=True, text=True, check=True, timeout=30
    )
    task_id = json.loads(done.stdout)["taskId"]
    assert root.queue.status(task_id)["status"]["state"] == "completed"
    url = root.queue.latestArtifact(task_id, "public/report.txt")["url"]
    headers = call("GET", url)[1]
    assert (headers["Content-Type"], headers["Content-Encoding"]) == ("text/plain", "gzip")


def test_every_answer_was_held_against_the_contract(root, contract):
    if contract is None:
        pytest.skip("the published schemas are not at hand")
    before = contract.checked
    root.auth.currentScopes()
    assert contract.checked == before + 1
    contract.observe("auth", "currentScopes", 200, {"scopes": "all"})
    assert len(contract.take_complaints()) == 1

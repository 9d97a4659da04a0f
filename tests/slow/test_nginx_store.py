"""The emulator's ``--help`` tells how nginx serves the store: exactly that configuration works."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import socket
import subprocess
import textwrap
import time
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_taskcluster.emulator import Emulator, __main__
from airflow_provider_taskcluster.emulator.settings import Settings
from airflow_provider_taskcluster.emulator.worker import Worker
from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook

NGINX = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not NGINX, reason="`make bench` installs nginx")]


def configuration(folder, data_dir, port):
    """What ``--help`` shows, inside the least that nginx must have around it."""
    shown = re.search(r"^    server \{\n.*?^    \}\n", __main__.__doc__, re.DOTALL | re.MULTILINE)[0]
    server = textwrap.dedent(shown).replace("DATA_DIR", str(data_dir)).replace("8081", str(port))
    places = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in ("proxy", "fastcgi", "uwsgi", "scgi"))
    user = f"user {getpass.getuser()};\n" if os.getuid() == 0 else ""
    return f"daemon off;\n{user}pid {folder}/pid;\nevents {{}}\nhttp {{\naccess_log off;\n{places}{server}}}\n"


@pytest.fixture
def tc(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data_dir = tmp_path / "data"
    with Emulator(data_dir=data_dir, settings=Settings(store_url=f"http://127.0.0.1:{port}")) as emulator:
        file = tmp_path / "nginx.conf"
        file.write_text(configuration(tmp_path, data_dir, port))
        with subprocess.Popen([NGINX, "-e", tmp_path / "log", "-c", file]) as nginx:
            try:
                wait_for(port)
                yield emulator
            finally:
                nginx.terminate()


def wait_for(port):
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("nginx does not answer")


def test_objects_and_artifacts_go_through_nginx(tc, tmp_path, monkeypatch):
    for name, value in tc.environment.items():
        monkeypatch.setenv(name, value)
    data = os.urandom(3_000_000)
    hook = TaskclusterHook("not_defined")
    expires = datetime.now(UTC) + timedelta(days=1)
    hook.upload_object(data, "some/object", project_id="tests", expires=expires)
    assert hook.read_object("some/object") == data
    run = Worker(tc.root_url, {"clientId": tc.client_id, "accessToken": tc.access_token}).run_task(
        {"public/a": data}, storage_type="s3"
    )
    hook.download_artifact(run.task_id, "public/a", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == data
    assert not tc.journal.entries(origin="store")
    url = hook.start_download("some/object")["url"]
    request = urllib.request.Request(url, headers={"Range": "bytes=10-19"})
    with urllib.request.urlopen(request) as answer:
        assert (answer.status, answer.read()) == (206, data[10:20])
        assert answer.headers["ETag"]
    hook.close()

"""The shell loop of the README, which puts an object in parts together without this provider."""

from __future__ import annotations

import json
import os
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from airflow_provider_taskcluster.emulator import Emulator
from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook

PAGE = (Path(__file__).parents[2] / "README.md").read_text()
NAMES = ["my-team/large.bin", "my-team/50% of it, draft #2?.bin", " my-team//a+b "]


def loop():
    blocks = [block for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) if "manifest.json" in block]
    assert len(blocks) == 1
    return blocks[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_loop_of_the_docs_puts_the_file_together(tmp_path, monkeypatch, name):
    data = os.urandom(300_000)
    with Emulator() as tc:
        tc.anonymous_scopes = ["object:download:*"]
        connection = {
            "conn_type": "taskcluster",
            "host": tc.root_url,
            "login": tc.client_id,
            "password": tc.access_token,
        }
        monkeypatch.setenv("AIRFLOW_CONN_TASKCLUSTER_DEFAULT", json.dumps(connection))
        hook = TaskclusterHook()
        expires = datetime.now(UTC) + timedelta(days=1)
        hook.upload_object(data, name, expires=expires, project_id="p", multipart="always", part_size=65_536)
        hook.close()
        environment = {**os.environ, "TASKCLUSTER_ROOT_URL": tc.root_url, "NAME": name}
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", loop()],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stdout) == (0, "file: OK\n"), done.stderr
    assert (tmp_path / "file").read_bytes() == data

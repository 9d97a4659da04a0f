"""What the first download of a process imports, which a task pays before its first byte (the bar ``cold_start``)."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta

FIRST_DOWNLOAD = """
import json, sys
from airflow.providers.common.compat.sdk import BaseHook
before = set(sys.modules)
from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
TaskclusterHook("tc_test").download_object(*sys.argv[1:])
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def test_a_plain_download_loads_no_code_of_uploads_payloads_archives_or_waits(hook, tmp_path):
    hook.upload_object(b"small", "first/small", expires=timedelta(hours=1))
    command = [sys.executable, "-c", FIRST_DOWNLOAD, "first/small", str(tmp_path / "small")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    assert (tmp_path / "small").read_bytes() == b"small"
    loaded = json.loads(done.stdout.splitlines()[-1])
    ours = [name.split(".")[1:] for name in loaded if name.startswith("airflow_provider_taskcluster.")]
    rooms = {path[0] for path in ours}
    assert rooms == {"assets", "common", "connection", "exceptions", "hooks", "services", "tasks", "transfer"}
    engine = {path[1] for path in ours if path[0] == "transfer" and len(path) > 1}
    assert {"download", "http", "sink"} <= engine
    assert not engine & {"archive", "payload"}
    assert {path[2] for path in ours if path[:2] == ["transfer", "upload"] and len(path) > 2} == {"parts", "upload_id"}
    assert not {"taskcluster.download", "taskcluster.upload"} & set(loaded)

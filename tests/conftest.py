"""Airflow reads its home while it is imported: it gets one of its own, so that no test writes to the user's."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import threading
from pathlib import Path

import pytest

home = tempfile.mkdtemp(prefix="airflow-home-")
atexit.register(shutil.rmtree, home, ignore_errors=True)
os.environ["AIRFLOW_HOME"] = home
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(Path(__file__).parents[1] / "example_dags")
os.environ["AIRFLOW__CORE__PLUGINS_FOLDER"] = str(Path(__file__).parent / "airflow/plugins")
os.environ["AIRFLOW__USAGE_DATA_COLLECTION__ENABLED"] = "False"
os.environ.pop("AIRFLOW__CORE__UNIT_TEST_MODE", None)


@pytest.fixture
def no_thread_after(monkeypatch):
    """Let the system have no thread left after so many whose names begin so."""
    start = threading.Thread.start

    def limit(count, prefix):
        begun = []

        def limited(self):
            if self.name.startswith(prefix):
                if len(begun) == count:
                    raise RuntimeError("can't start new thread")
                begun.append(self)
            start(self)

        monkeypatch.setattr(threading.Thread, "start", limited)

    return limit

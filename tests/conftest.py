"""Airflow reads its home while it is imported: it gets one of its own, so that no test writes to the user's."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

home = tempfile.mkdtemp(prefix="airflow-home-")
atexit.register(shutil.rmtree, home, ignore_errors=True)
os.environ["AIRFLOW_HOME"] = home
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(Path(__file__).parents[1] / "example_dags")
os.environ["AIRFLOW__CORE__PLUGINS_FOLDER"] = str(Path(__file__).parent / "airflow/plugins")
os.environ["AIRFLOW__USAGE_DATA_COLLECTION__ENABLED"] = "False"
os.environ.pop("AIRFLOW__CORE__UNIT_TEST_MODE", None)

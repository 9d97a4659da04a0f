"""The site does not depend on the Airflow line, and is built on one, once."""

from __future__ import annotations

import fcntl
import os
import pickle
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

collect_ignore = ["test_site.py", "test_imports_shown.py"] if version("apache-airflow").startswith("2.") else []
DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The built site, and the output of the builder; processes of one run of pytest share it."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder, output = shared / "site", shared / "site.pickle"
    command = [sys.executable, "-m", "sphinx", "-b", "html", "--fail-on-warning", "--keep-going", "-q", DOCS, folder]
    with (shared / "site.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not output.exists():
            done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
            output.write_bytes(pickle.dumps(done))
    return folder, pickle.loads(output.read_bytes())


@pytest.fixture(scope="session")
def documented(site):
    """Full names of everything that the API reference documents."""
    from sphinx.util.inventory import InventoryFile

    inventory = InventoryFile.loads((site[0] / "objects.inv").read_bytes(), uri="").data
    return {name for kind, names in inventory.items() if kind.startswith("py:") for name in names}

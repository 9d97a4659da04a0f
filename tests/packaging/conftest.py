"""The wheel, just built."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def uv():
    """The program that builds and installs, of this environment or of the one around it."""
    found = [path / "uv" for path in (Path(sys.executable).parent, REPOSITORY / ".venv/bin")]
    return next(path for path in found if path.exists())


@pytest.fixture(scope="session")
def wheel(uv, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([uv, "build", "--quiet", "--wheel", "--out-dir", folder, REPOSITORY], check=True, timeout=300)
    (built,) = folder.glob("*.whl")
    return built

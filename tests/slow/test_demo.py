"""``make demo``: the main job, in a real Airflow, on this line."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


def demo(scripts, file):
    return subprocess.run(
        [sys.executable, scripts / "demo.py", file], capture_output=True, text=True, timeout=300, check=False
    )


def test_the_main_job_holds(scripts, tmp_path):
    file = tmp_path / "some file.bin"
    file.write_bytes(os.urandom(3_000_000))
    done = demo(scripts, file)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = {line[:18].strip(): line for line in done.stdout.splitlines()}
    assert "putUrl" in rows["upload file"]
    assert "3000000" in rows["download file"]
    assert "dataInline" in rows["upload note"]
    assert "sha256+sha512" in rows["download artifact"]
    assert "checkouts of demo-provisioner/linux" in done.stdout
    assert "\n  counting the lines of numbers of " in done.stdout
    _, next_steps = done.stdout.split("All of it held.\n")
    assert "make ui" in next_steps
    assert "docs/quick-start.md" in next_steps
    assert "\x1b" not in done.stdout, "a pipe gets no bar"


def test_a_missing_file_ends_in_one_clear_sentence(scripts, tmp_path):
    done = demo(scripts, tmp_path / "missing")
    assert done.returncode != 0
    assert done.stderr == f"There is no file '{tmp_path / 'missing'}': name one with FILE=...\n"

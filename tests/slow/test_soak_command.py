"""A short ``make soak``: a worker that leaks on purpose is found out."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time

import psutil
import pytest

pytestmark = pytest.mark.slow


def command(folder, *options):
    short = ("--minutes", "0.25", "--every", "0.3", "--seed", "7")
    return [sys.executable, "-m", "soak", *short, "--folder", folder, "--results", folder / "results", *options]


def soak_workers(pid):
    return [each for each in psutil.Process(pid).children() if "soak.worker" in each.cmdline()]


def test_leaks_of_memory_files_and_threads_are_found(scripts, tmp_path):
    leaking = command(tmp_path, "--leak", "memory", "files", "threads")
    done = subprocess.run(leaking, cwd=scripts.parent, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    grown = [float(figure) for figure in re.findall(r"grown by ([0-9.]+) .*LEAKED", done.stdout)]
    assert len(grown) == 3, done.stdout
    # One round's worth: the warm-up, which goes on in such a short run, takes up to 20 MiB, 10 files and 5 threads.
    assert [figure >= leaked for figure, leaked in zip(grown, (64, 20, 20), strict=True)] == [True] * 3, done.stdout
    assert " tasks, " in done.stdout  # the work itself was done
    assert len(json.loads((tmp_path / "results/soak.json").read_text())) > 20
    assert (tmp_path / "results/soak.svg").read_text().count("<polyline") == 3
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


def test_a_worker_that_dies_is_no_success(scripts, tmp_path):
    with subprocess.Popen(command(tmp_path), cwd=scripts.parent, stderr=subprocess.PIPE, text=True) as running:
        while not (workers := soak_workers(running.pid)):
            time.sleep(0.1)
        workers[0].kill()
        _, said = running.communicate(timeout=110)
    assert running.returncode == 1
    assert "the worker failed (exit code -9): " in said
    assert list(tmp_path.iterdir()) == []

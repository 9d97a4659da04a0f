"""A short ``make chaos``: incidents are counted, and a broken product is detected."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from chaos.disks import can_mount
from chaos.plan import draw

ROOT = Path(__file__).parents[2]
SEED = 19

# Imported by every process before the product is: the last byte of each file that has its final name is lost.
BROKEN = """
import sys
from importlib.machinery import PathFinder

class Breaking:
    def find_spec(self, name, path=None, target=None):
        if name != "airflow_provider_taskcluster.transfer.sink.partial_file":
            return None
        spec = PathFinder.find_spec(name, path)
        load = spec.loader.exec_module

        def load_and_break(module):
            load(module)
            commit = module.PathSink.commit

            def broken(self):
                self._file.truncate(max(0, self._file.seek(0, 2) - 1))
                commit(self)

            module.PathSink.commit = broken

        spec.loader.exec_module = load_and_break
        return spec

sys.meta_path.insert(0, Breaking())
"""


def chaos(folder, *arguments, path=ROOT):
    command = [sys.executable, "-m", "chaos", "--seed", str(SEED), "--folder", folder, *arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, {path: None, ROOT: None}))}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=110, check=False)


def counts(done):
    """The counts of the last line, by name."""
    last = done.stdout.splitlines()[-1]
    return {name: int(count) for count, name in re.findall(r"(\d+) ([a-z ]+)", last)}


@pytest.mark.slow
def test_no_promise_is_broken_by_faults_kills_full_disks_and_power_losses(tmp_path):
    done = chaos(tmp_path, "--transfers", "40")
    assert done.returncode == 0, done.stdout + done.stderr
    found = counts(done)
    assert found["transfers"] == 40
    for befell in ("client kills", "emulator kills", "faults", "full disks"):
        assert found[befell] >= 3, done.stdout
    assert found["power losses"] >= 3 or not can_mount()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_product_that_loses_a_byte_is_found_out_and_the_transfer_is_named(tmp_path):
    number = next(n for n in itertools.count(1) if draw(SEED, n).kind.name == "download_object" and draw(SEED, n).size)
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text(BROKEN)
    done = chaos(tmp_path, "--only", str(number), path=broken)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"VIOLATION in transfer {number} (download_object): the file" in done.stdout
    assert f'make chaos CHAOS="--seed {SEED} --only {number}"' in done.stdout
    assert counts(done)["violations"] >= 1

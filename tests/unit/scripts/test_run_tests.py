"""Steps of `make test`: how a failed one is run again."""

from __future__ import annotations

import sys

from run_tests import SEED, run_of_tests

FAILING = """
import pytest

@pytest.mark.parametrize("name", ["a b"])
def test_fails(name):
    assert not name
"""


def test_what_failed_is_named_with_its_order_to_run_it_again_alone(tmp_path, monkeypatch, capfd):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_it.py").write_text(FAILING)
    monkeypatch.setattr("run_tests.ROOT", tmp_path)
    step = run_of_tests("Tests", sys.executable, "tests", quiet=True).run()
    assert step.failed
    assert "1 failed" in capfd.readouterr().out
    command = f"{sys.executable} -m pytest -q --randomly-seed={SEED} tests"
    assert step.outcome() == f"Tests FAILED, run again alone: {command} 'tests/test_it.py::test_fails[a b]'"

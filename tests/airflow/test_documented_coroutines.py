"""The code of docs/examples/async_hook.py, run."""

from __future__ import annotations

import asyncio
import importlib.util
from pathlib import Path

import pytest

FILE = Path(__file__).parents[2] / "docs/examples/async_hook.py"


@pytest.fixture
def shown():
    spec = importlib.util.spec_from_file_location(FILE.stem, FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_trigger_waits_for_a_task_and_asks_for_its_runs(shown, tc, worker):
    task_id = worker.create_task()
    worker.claim(task_id).complete()

    async def first():
        return await anext(shown.RunsOfTask(task_id).run())

    assert asyncio.run(first()).payload == 1


def test_several_artifacts_are_fetched_at_once(shown, tc, worker, tmp_path):
    run = worker.claim(worker.create_task())
    for number in range(3):
        run.add(f"public/{number}", str(number).encode())
    paths = asyncio.run(shown.fetch(run.task_id, str(tmp_path)))
    assert sorted(Path(path).read_text() for path in paths) == ["0", "1", "2"]

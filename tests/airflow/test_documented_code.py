"""Python code in README and on the pages: parts of files that tests run, and blocks that are run here unchanged."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = {
    str(path.relative_to(ROOT)): path.read_text() for path in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md"))
}
OPENED = re.compile(r"^ *(?:```+|~~~+|:::+) *(\S+) *(.*)$", re.MULTILINE)
CLOSED = re.compile(r"^ *(?:```+|~~~+|:::+) *$", re.MULTILINE)
NO_PYTHON = {
    *("sh", "json", "yaml", "text", "ini", "{include}", "{literalinclude}", "{toctree}", "{eval-rst}", "{warning}"),
    *("{rooms}", "{rooms-picture}"),
}
# Which tests name the files of a folder that they run; those of another folder are tests themselves.
RUN_BY = {"example_dags": "test_example_dags.py", "docs/examples": "test_documented_*.py"}


def test_python_on_the_pages_is_a_part_of_a_file_but_for_the_block_of_the_readme():
    found = [(page, kind) for page, text in PAGES.items() for kind, _ in OPENED.findall(text) if kind not in NO_PYTHON]
    assert found == [("README.md", "python")], "show a part of an example DAG by literalinclude, which the tests run"
    for page, text in PAGES.items():
        assert len(CLOSED.findall(text)) == len(OPENED.findall(text)), f"{page}: a block does not say what is in it"


def test_every_file_that_is_shown_is_run_by_a_test():
    shown = {
        (ROOT / page).parent.joinpath(argument).resolve()
        for page, text in PAGES.items()
        for kind, argument in OPENED.findall(text)
        if kind == "{literalinclude}"
    }
    assert len(shown) > 10
    for file in shown:
        folder = str(file.parent.relative_to(ROOT))
        tests = Path(__file__).parent.glob(RUN_BY.get(folder, file.name))
        assert any(test == file or file.stem in test.read_text() for test in tests), file


def test_the_block_of_the_readme_runs_as_it_stands(database, worker, tmp_path, monkeypatch):
    (block,) = re.findall(r"```python\n(.*?)```", PAGES["README.md"], re.DOTALL)
    (task_id,) = re.findall(r'"taskcluster_task_id": "(.*?)"', block)
    worker.create_task(task_id)
    run = worker.claim(task_id)
    run.add("public/build/target.zip", b"zip" * 1000)
    run.complete()
    file = tmp_path / "readme.py"
    file.write_text(block)
    monkeypatch.setattr("airflow.settings.DAGS_FOLDER", str(tmp_path))
    spec = importlib.util.spec_from_file_location("readme", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    dag_run = module.download.dag.test()
    folder = Path("/tmp") / dag_run.run_id
    try:
        assert str(dag_run.state) == "success"
        assert (folder / "target.zip").read_bytes() == b"zip" * 1000
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_the_files_of_the_page_on_testing_work_elsewhere(tmp_path):
    """As in a user's project, which has nothing else of ours but the DAGs."""
    for folder in ("home", "dags"):  # Airflow 3.0 does not make its home
        (tmp_path / folder).mkdir()
    shutil.copy(ROOT / "docs/examples/conftest.py", tmp_path)
    shutil.copy(ROOT / "tests/airflow/test_a_dag_of_yours.py", tmp_path)
    shutil.copy(ROOT / "example_dags/wait_for_artifact.py", tmp_path / "dags")
    start = "import gc, sys, pytest; gc.disable(); sys.exit(pytest.main())"  # to look for garbage takes seconds
    command = [sys.executable, "-c", start, "-q", "-o", "pythonpath=dags", "-p", "no:cacheprovider"]
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(tmp_path / "home"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path / "dags"),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # to import those that are installed takes longer than the tests
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout

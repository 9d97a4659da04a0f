"""The installed wheel, inspected by Airflow's own commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from airflow_provider_taskcluster import __version__, get_provider_info
from airflow_provider_taskcluster.connection.fields import EXTRA_FIELDS, HOOK_CLASS

REPOSITORY = Path(__file__).parents[2]

pytestmark = pytest.mark.slow

NAME = "airflow-provider-taskcluster"


@pytest.fixture(scope="module")
def airflow(uv, wheel, tmp_path_factory):
    """Run a command of an Airflow of this version that has the wheel and nothing of this repository."""
    folder = tmp_path_factory.mktemp("installed")
    python = folder / "env/bin/python"
    of_airflow = version("apache-airflow")
    locked = [
        path
        for path in (REPOSITORY / "constraints").glob("*.txt")
        if f"apache-airflow=={of_airflow}" in path.read_text().splitlines()
    ]
    options = [argument for path in locked for argument in ("--constraint", path)]
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, folder / "env"], check=True)
    install = [uv, "pip", "install", "-q", "--python", python, *options, f"apache-airflow=={of_airflow}", wheel]
    subprocess.run(install, check=True, timeout=500)
    quiet = {"PYTHONWARNINGS": "ignore", "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR"}
    environment = {**os.environ, **quiet, "AIRFLOW_HOME": str(folder / "home"), "PYTHONPATH": ""}
    environment.pop("AIRFLOW__CORE__PLUGINS_FOLDER", None)

    def run(*command):
        done = subprocess.run(
            [python.with_name(command[0]), *command[1:]],
            env=environment,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
            cwd=folder,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def table(airflow, *command):
    """Rows of a table that a command of Airflow prints."""
    said = airflow("airflow", *command, "--output", "json")
    return json.loads(said[said.index("[{") :])


def test_the_provider_is_listed(airflow):
    found = {row["package_name"]: row for row in table(airflow, "providers", "list")}
    assert found[NAME]["version"] == __version__


def test_its_hook_is_listed(airflow):
    (row,) = [row for row in table(airflow, "providers", "hooks") if row["connection_type"] == "taskcluster"]
    assert (row["class"], row["hook_name"]) == (HOOK_CLASS, "Taskcluster")
    assert row["package_name"] == NAME
    assert row["conn_id_attribute_name"] == "taskcluster_conn_id"


def test_the_fields_of_its_form_are_listed(airflow):
    found = {row["connection_parameter_name"] for row in table(airflow, "providers", "widgets")}
    assert {f"extra__taskcluster__{field.name}" for field in EXTRA_FIELDS} <= found


def test_its_links_are_listed(airflow):
    said = airflow("airflow", "providers", "links", "--output", "plain")
    links = get_provider_info()["extra-links"]
    assert len(links) >= 6
    assert [link for link in links if link not in said] == []


def test_its_secrets_backend_and_notifier_are_listed(airflow):
    info = get_provider_info()
    for command, key in (("secrets", "secrets-backends"), ("notifications", "notifications")):
        assert info[key][0] in airflow("airflow", "providers", command, "--output", "plain")


def test_its_decorator_is_found(airflow):
    code = """
from airflow.providers.common.compat.sdk import task
print(task.taskcluster.__module__, task.taskcluster.__name__)
"""
    module, _, name = get_provider_info()["task-decorators"][0]["class-name"].rpartition(".")
    assert airflow("python", "-c", code).split() == [module, name]


def test_airflow_starts_with_the_secrets_backend(airflow):
    code = """
import os
os.environ["AIRFLOW__SECRETS__BACKEND"] = "airflow_provider_taskcluster.secrets.taskcluster.TaskclusterSecretsBackend"
from airflow.configuration import secrets_backend_list
print(type(secrets_backend_list[0]).__name__)
"""
    assert airflow("python", "-c", code).split() == ["TaskclusterSecretsBackend"]


def test_its_filesystem_and_assets_are_found(airflow):
    code = """
from airflow.providers.common.compat.sdk import Asset, ObjectStoragePath
path = ObjectStoragePath("taskcluster://conn@objects/a")
print(type(path.fs).__name__, Asset(uri="taskcluster:///objects/a b").uri)
"""
    assert airflow("python", "-c", code).split() == ["TaskclusterFileSystem", "taskcluster://objects/a%20b"]

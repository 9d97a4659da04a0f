"""This provider as Airflow's providers manager sees it, on the line that runs these tests."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys

import pytest
from airflow.providers_manager import ProvidersManager

from airflow_provider_taskcluster import __version__, get_provider_info
from airflow_provider_taskcluster.connection.fields import EXTRA_FIELDS

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module")
def manager():
    return ProvidersManager()


def test_the_provider_is_found(manager):
    assert manager.providers["airflow-provider-taskcluster"].version == __version__


def test_the_connection_type_is_offered_and_can_be_tested(manager):
    found = manager.hooks["taskcluster"]
    assert (found.hook_name, found.connection_type) == ("Taskcluster", "taskcluster")
    assert found.connection_testable


def test_the_form_has_every_field_with_its_label_and_masks_secrets(manager):
    widgets = manager.connection_form_widgets
    for field in EXTRA_FIELDS:
        widget = widgets[f"extra__taskcluster__{field.name}"]
        if isinstance(widget.field, dict):  # Airflow 3.2 and later: from metadata
            schema = widget.field["schema"]
            assert schema["title"] == field.label
            assert (schema.get("format") == "password") == (field.kind == "password")
        else:  # a field of wtforms
            assert widget.field.kwargs["label"] == field.label
            assert (widget.field.field_class.__name__ == "PasswordField") == (field.kind == "password")
        assert widget.is_sensitive == (field.kind == "password")


def test_the_form_names_the_fields_in_taskclusters_words(manager):
    behaviour = manager.field_behaviours["taskcluster"]
    assert behaviour["relabeling"] == {"host": "Root URL", "login": "Client ID", "password": "Access token"}
    assert set(behaviour["placeholders"]) == {"host", "login", "password"}
    assert set(behaviour["hidden_fields"]) == {"schema", "port", "extra"}


@pytest.mark.parametrize("kind", ["operators", "sensors", "hooks", "triggers"])
def test_every_module_that_is_announced_can_be_imported(kind):
    (group,) = get_provider_info()[kind]
    for module in group["python-modules"]:
        importlib.import_module(module)


def test_the_decorator_is_an_attribute_of_task():
    from airflow.providers.common.compat.sdk import task

    (entry,) = get_provider_info()["task-decorators"]
    assert entry["name"] == "taskcluster"
    assert f"{task.taskcluster.__module__}.{task.taskcluster.__name__}" == entry["class-name"]


def test_the_secrets_backend_and_the_notifier_are_listed(manager):
    backend, notifier = (
        f"airflow_provider_taskcluster.{name}"
        for name in ("secrets.taskcluster.TaskclusterSecretsBackend", "notifications.taskcluster.TaskclusterNotifier")
    )
    assert backend in manager.secrets_backend_class_names
    assert notifier in manager.notification
    for path in (backend, notifier):
        module, _, name = path.rpartition(".")
        assert isinstance(getattr(importlib.import_module(module), name), type)


PARSE = """
import importlib, json, sys
from airflow.providers.common.compat.sdk import BaseOperator
from airflow_provider_taskcluster import get_provider_info
before, info = set(sys.modules), get_provider_info()
for kind in ("operators", "sensors"):
    for group in info[kind]:
        for module in group["python-modules"]:
            importlib.import_module(module)
for path in info["notifications"] + info["secrets-backends"] + [info["task-decorators"][0]["class-name"]]:
    importlib.import_module(path.rpartition(".")[0])
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def test_parsing_a_dag_file_loads_neither_the_hook_nor_any_library_below_it():
    done = subprocess.run([sys.executable, "-c", PARSE], capture_output=True, text=True, timeout=300, check=True)
    loaded = json.loads(done.stdout.splitlines()[-1])
    ours = [name for name in loaded if name.startswith("airflow_provider_taskcluster.")]
    rooms = {name.split(".")[1] for name in ours}
    assert {"decorators", "operators", "sensors", "links"} <= rooms
    assert not rooms & {"services", "emulator"}
    assert "airflow_provider_taskcluster.hooks.taskcluster" not in loaded
    libraries = {name.partition(".")[0] for name in loaded} - {"airflow", "airflow_provider_taskcluster"}
    assert not libraries & {"taskcluster", "aiohttp", "requests", "fsspec", "urllib3", "tenacity", "mohawk", "certifi"}

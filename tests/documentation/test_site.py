"""The documentation is built without a warning, and documents everything in the package."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest
from airflow.providers.common.compat.sdk import BaseOperator

import airflow_provider_taskcluster
from airflow_provider_taskcluster.connection.fields import EXTRA_FIELDS, LABELS
from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PACKAGE = airflow_provider_taskcluster.__name__
PAGES = {str(path.relative_to(DOCS)): path.read_text() for path in DOCS.rglob("*.md")}
GUIDES = {name: text for name, text in PAGES.items() if name.startswith("guides/")}
# What Airflow calls, and what is no operation.
NOT_OPERATIONS = {"get_connection_form_widgets", "get_ui_field_behaviour", "get_conn", "stop", "close"}


def modules(*rooms):
    for room in rooms:
        package = importlib.import_module(f"{PACKAGE}.{room}")
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            yield importlib.import_module(found.name)


def operators():
    """Return the operators and sensors, without base classes."""
    kinds = {
        kind for module in modules("operators", "sensors") for _, kind in inspect.getmembers(module, inspect.isclass)
    }
    ours = {kind for kind in kinds if issubclass(kind, BaseOperator) and kind.__module__.startswith(PACKAGE)}
    return sorted((kind for kind in ours if not any(kind in other.__mro__[1:] for other in ours)), key=str)


def hook_members():
    """Return the public names of the hook that our own classes define."""
    ours = [kind for kind in TaskclusterHook.__mro__ if kind.__module__.startswith(PACKAGE)]
    return sorted({name for kind in ours for name in vars(kind) if not name.startswith("_")} - attributes())


def attributes():
    return {name for name in vars(TaskclusterHook) if isinstance(vars(TaskclusterHook)[name], str)}


OPERATORS = operators()
HOOK_MEMBERS = hook_members()
EXAMPLES = sorted(path.name for path in (ROOT / "example_dags").glob("*.py"))


def test_it_is_built_without_a_warning(site):
    folder, done = site
    assert done.returncode == 0, done.stderr
    assert (folder / "index.html").exists()


def test_what_is_looked_for_is_found():
    assert {"TaskclusterUploadObjectOperator", "TaskclusterObjectSensor"} <= {kind.__name__ for kind in OPERATORS}
    assert {"upload_object", "list_artifacts", "purge_cache", "ping", "stop"} <= set(HOOK_MEMBERS)
    assert "wait_for_artifact.py" in EXAMPLES


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda kind: kind.__name__)
def test_every_operator_and_sensor_is_in_the_reference(documented, operator):
    assert f"{operator.__module__}.{operator.__name__}" in documented, "add its module to docs/reference/api/"


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda kind: kind.__name__)
def test_every_operator_and_sensor_has_a_guide_that_names_its_templated_fields(operator):
    link = f"{operator.__module__}.{operator.__name__}>`"
    guides = [text for text in GUIDES.values() if link in text.split("```")[0]]
    assert len(guides) == 1, f"one guide begins with a link to {operator.__name__}"
    assert [field for field in operator.template_fields if f"`{field}`" not in guides[0]] == []


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda kind: kind.__name__)
def test_every_operator_and_sensor_is_in_the_table_of_scopes(operator):
    assert f"`{operator.__name__}`" in PAGES["reference/scopes.md"]


@pytest.mark.parametrize("name", HOOK_MEMBERS)
def test_every_method_of_the_hook_is_in_the_reference(documented, name):
    assert f"{PACKAGE}.hooks.taskcluster.TaskclusterHook.{name}" in documented, "add it to docs/reference/api/hook.md"


@pytest.mark.parametrize("name", [name for name in HOOK_MEMBERS if callable(getattr(TaskclusterHook, name))])
def test_every_method_of_the_hook_is_in_its_guide(name):
    assert name.startswith("get_") or f"`{name}`" in GUIDES["guides/hook.md"]


@pytest.mark.parametrize("name", [name for name in HOOK_MEMBERS if callable(getattr(TaskclusterHook, name))])
def test_every_method_of_the_hook_is_in_the_table_of_scopes(name):
    assert name in NOT_OPERATIONS or f"`{name}`" in PAGES["reference/scopes.md"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_dag_is_shown(name):
    assert any(re.search(rf"literalinclude\}} \S*example_dags/{name}$", text, re.MULTILINE) for text in PAGES.values())


@pytest.mark.parametrize("name", sorted(path.name for path in (DOCS / "examples").glob("*.py")))
def test_every_file_that_only_the_pages_use_is_shown(name):
    assert any(f"examples/{name}" in text for text in PAGES.values())


@pytest.mark.parametrize("field", EXTRA_FIELDS, ids=lambda field: field.name)
def test_every_field_of_the_connection_is_described_under_its_label(field):
    assert f"| {field.label} | extra `{field.name}` |" in PAGES["connection.md"]


@pytest.mark.parametrize(("name", "label"), LABELS.items())
def test_every_field_that_airflow_has_is_described_under_its_label(name, label):
    assert f"| {label} | `{name}` |" in PAGES["connection.md"]

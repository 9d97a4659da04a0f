"""What Airflow's own providers manager makes of us, on the line that runs these tests."""

from __future__ import annotations

import importlib

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

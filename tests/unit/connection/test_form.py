from __future__ import annotations

import json
from pathlib import Path

import airflow
import jsonschema
import pytest

import airflow_provider_taskcluster
from airflow_provider_taskcluster.connection import fields, form


def test_the_metadata_are_valid_by_airflows_own_schema():
    schema = json.loads((Path(airflow.__file__).parent / "provider_info.schema.json").read_text())
    jsonschema.validate(airflow_provider_taskcluster.get_provider_info(), schema)


def test_the_package_name_is_that_of_the_distribution():
    """If not, Airflow gives up on all providers."""
    from importlib.metadata import entry_points

    (entry,) = [e for e in entry_points(group="apache_airflow_provider") if "taskcluster" in e.value]
    assert entry.dist.name == entry.load()()["package-name"]


def test_every_module_that_the_metadata_name_is_there():
    from importlib import import_module

    info = airflow_provider_taskcluster.get_provider_info()
    modules = [m for kind in ("operators", "sensors", "hooks") for i in info[kind] for m in i["python-modules"]]
    assert [import_module(module).__name__ for module in modules] == modules


def test_the_connection_type_names_a_hook_that_is_there():
    from importlib import import_module

    module, _, name = form.connection_type_metadata()["hook-class-name"].rpartition(".")
    hook = getattr(import_module(module), name)
    assert hook.conn_type == form.connection_type_metadata()["connection-type"]
    assert hook.hook_name == form.connection_type_metadata()["hook-name"]


@pytest.mark.parametrize("field", fields.EXTRA_FIELDS, ids=lambda field: field.name)
def test_every_extra_has_a_label_a_help_and_may_stay_empty(field):
    shown = form.connection_type_metadata()["conn-fields"][field.name]
    assert shown["label"] == field.label
    assert shown["description"] == field.help
    assert "null" in shown["schema"]["type"]


def test_secrets_are_masked_in_the_form():
    shown = form.connection_type_metadata()["conn-fields"]
    masked = {name for name, field in shown.items() if field["schema"].get("format") == "password"}
    assert masked == {"certificate", "upload_secret", "proxies"}


def test_both_kinds_of_form_say_the_same():
    metadata = form.connection_type_metadata()["ui-field-behaviour"]
    behaviour = form.field_behaviour()
    assert {key.replace("-", "_"): value for key, value in metadata.items()} == behaviour


def test_the_widgets_of_airflow_2_are_the_same_fields():
    wtforms = pytest.importorskip("wtforms")
    pytest.importorskip("flask_appbuilder")
    widgets = form.form_widgets()
    assert list(widgets) == [field.name for field in fields.EXTRA_FIELDS]
    bound = wtforms.form.BaseForm(widgets)
    assert [bound[name].label.text for name in widgets] == [field.label for field in fields.EXTRA_FIELDS]
    masked = {name for name in widgets if isinstance(bound[name], wtforms.PasswordField)}
    assert masked == {"certificate", "upload_secret", "proxies"}

"""The connection form of the web UI, for both lines of Airflow. Pure.

Airflow 3.2 and later read metadata (``conn-fields``, ``ui-field-behaviour``); earlier lines call class methods of
the hook that build widgets. Both are made from the same fields.
"""

from __future__ import annotations

from typing import Any

from airflow_provider_taskcluster.connection.fields import (
    CONNECTION_TYPE,
    CONNECTION_TYPE_NAME,
    EXTRA_FIELDS,
    HIDDEN_FIELDS,
    HOOK_CLASS,
    LABELS,
    PLACEHOLDERS,
    ExtraField,
)

# Sent by the form of Airflow 2 for an unchanged secret (airflow/www/views.py).
UNCHANGED = "RATHER_LONG_SENSITIVE_FIELD_PLACEHOLDER"


def connection_type_metadata() -> dict[str, Any]:
    """Return the entry of ``connection-types`` in the provider's metadata."""
    return {
        "connection-type": CONNECTION_TYPE,
        "hook-class-name": HOOK_CLASS,
        "hook-name": CONNECTION_TYPE_NAME,
        "ui-field-behaviour": {
            "hidden-fields": list(HIDDEN_FIELDS),
            "relabeling": LABELS,
            "placeholders": PLACEHOLDERS,
        },
        "conn-fields": {
            field.name: {"label": field.label, "description": field.help, "schema": _schema(field)}
            for field in EXTRA_FIELDS
        },
    }


def field_behaviour() -> dict[str, Any]:
    """Return the hook's ``get_ui_field_behaviour``."""
    return {"hidden_fields": list(HIDDEN_FIELDS), "relabeling": LABELS, "placeholders": PLACEHOLDERS}


def form_widgets() -> dict[str, Any]:
    """Return the hook's ``get_connection_form_widgets``. Needs wtforms and Flask-AppBuilder (Airflow 2)."""
    from flask_appbuilder.fieldwidgets import BS3TextFieldWidget
    from wtforms import BooleanField, IntegerField, PasswordField, StringField
    from wtforms.validators import NumberRange, Optional

    classes = {
        "string": lambda **kw: StringField(widget=BS3TextFieldWidget(), **kw),
        "password": lambda **kw: PasswordField(widget=_masked, **kw),
        # Airflow's form accepts no field class for decimals.
        "number": lambda **kw: StringField(widget=BS3TextFieldWidget(), **kw),
        "integer": lambda **kw: IntegerField(
            widget=BS3TextFieldWidget(), validators=[Optional(), NumberRange(min=0)], **kw
        ),
        "boolean": BooleanField,
    }
    return {field.name: classes[field.kind](label=field.label, description=field.help) for field in EXTRA_FIELDS}


def _masked(field: Any, **attributes: Any) -> Any:
    """Render a set secret as the placeholder: Airflow 2 treats an empty field as a request to delete the secret."""
    from flask_appbuilder.fieldwidgets import BS3PasswordFieldWidget

    return BS3PasswordFieldWidget(hide_value=False)(field, **attributes, value=UNCHANGED if field.data else "")


def _schema(field: ExtraField) -> dict[str, Any]:
    if field.kind == "password":
        return {"type": ["string", "null"], "format": "password"}
    if field.kind in {"number", "integer"}:
        return {"type": [field.kind, "null"], "minimum": 0}
    return {"type": [field.kind, "null"]}

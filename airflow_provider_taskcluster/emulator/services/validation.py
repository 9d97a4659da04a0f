"""Validation of requests by their models, with errors as the services write them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from airflow_provider_taskcluster.emulator.errors import InputValidationError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Model = TypeVar("Model", bound=BaseModel)

# The words of the validator that the services use (Ajv), by pydantic's kind of an error.
_WORDS = {
    "less_than_equal": "must be <= {le}",
    "greater_than_equal": "must be >= {ge}",
    "string_too_long": "must NOT have more than {max_length} characters",
    "string_too_short": "must NOT have fewer than {min_length} characters",
    "too_long": "must NOT have more than {max_length} items",
    "too_short": "must NOT have fewer than {min_length} items",
    "literal_error": "must be equal to one of the allowed values",
    "value_error": "{error}",
    "string_type": "must be string",
    "int_type": "must be integer",
    "int_from_float": "must be integer",
    "bool_type": "must be boolean",
    "list_type": "must be array",
    "dict_type": "must be object",
    "model_type": "must be object",
}


def validated(model: type[Model], payload: Any) -> Model:
    """Return the payload as an instance of the call's model."""
    try:
        return model.model_validate(payload)
    except ValidationError as error:
        lines = [f"  * data{path} {what}" for path, what in map(_complaint, error.errors())]
        raise InputValidationError("\n".join(["", "Schema Validation Failed!", "Errors:", *lines])) from None


def _complaint(error: ErrorDetails) -> tuple[str, str]:
    """Return where and what is wrong; a property that is missing or unknown is a fault of the object around it."""
    kind, where, values = error["type"], error["loc"], error.get("ctx", {})
    path = "".join(f"/{part}" for part in where)
    around = "".join(f"/{part}" for part in where[:-1])
    match kind:
        case "missing":
            return around, f"must have required property '{where[-1]}'"
        case "extra_forbidden":
            return around, f"must NOT have additional properties: {json.dumps(where[-1])}"
        case "string_pattern_mismatch":
            return path, f"must match pattern {json.dumps(values['pattern'])}"
    return path, _WORDS[kind].format(**values) if kind in _WORDS else error["msg"].replace("Input should", "must", 1)

"""Validation by JSON schema, with complaints in the words of the validator that the hooks service uses (Ajv)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.emulator.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from jsonschema import ValidationError

# Functions that word a complaint from the value in the schema, by the keyword of the schema.
_WORDS: dict[str, Callable[[Any], str]] = {
    "type": lambda value: f"must be {','.join(value) if isinstance(value, list) else value}",
    "enum": lambda _: "must be equal to one of the allowed values",
    "const": lambda _: "must be equal to constant",
    "minimum": lambda value: f"must be >= {value}",
    "maximum": lambda value: f"must be <= {value}",
    "exclusiveMinimum": lambda value: f"must be > {value}",
    "exclusiveMaximum": lambda value: f"must be < {value}",
    "multipleOf": lambda value: f"must be multiple of {value}",
    "minLength": lambda value: f"must NOT have fewer than {value} characters",
    "maxLength": lambda value: f"must NOT have more than {value} characters",
    "minItems": lambda value: f"must NOT have fewer than {value} items",
    "maxItems": lambda value: f"must NOT have more than {value} items",
    "minProperties": lambda value: f"must NOT have fewer than {value} properties",
    "maxProperties": lambda value: f"must NOT have more than {value} properties",
    "pattern": lambda value: f"must match pattern {json.dumps(value)}",
    "format": lambda value: f"must match format {json.dumps(value)}",
    "anyOf": lambda _: "must match a schema in anyOf",
    "oneOf": lambda _: "must match exactly one schema in oneOf",
    "not": lambda _: "must NOT be valid",
    "contains": lambda _: "must contain at least 1 valid item(s)",
    "additionalProperties": lambda _: "must NOT have additional properties",
}


def check_schema(schema: dict[str, Any]) -> None:
    """Raise InputError unless this is a JSON schema."""
    from jsonschema import Draft7Validator

    errors = Draft7Validator(Draft7Validator.META_SCHEMA).iter_errors(schema)
    complaints = [f" * Property {where} {what}" for where, what in _complaints(errors)]
    if complaints:
        raise InputError("\n".join(["triggerSchema is not a valid JSON schema:", *complaints]))


def check_payload(schema: dict[str, Any], payload: dict[str, Any]) -> None:
    """Raise InputError, with all complaints, unless a payload follows a schema."""
    from jsonschema import Draft7Validator

    validator = Draft7Validator(schema, format_checker=Draft7Validator.FORMAT_CHECKER)
    complaints = [f"data{where} {what}" for where, what in _complaints(validator.iter_errors(payload))]
    if complaints:
        raise InputError("; ".join(complaints))


def _complaints(errors: Iterable[ValidationError]) -> Iterator[tuple[str, str]]:
    """Give where and what is wrong; those of the alternatives come before that none of them fits."""
    for error in errors:
        yield from _complaints(error.context or ())
        where = "".join(f"/{part}" for part in error.absolute_path)
        for what in _words(error):
            yield where, what


def _words(error: ValidationError) -> list[str]:
    if error.validator == "required":
        return [f"must have required property {error.message.removesuffix(' is a required property')}"]
    words = _WORDS.get(str(error.validator))
    if words is None:
        return [error.message]
    return [words(error.validator_value)] * (_surplus(error) if error.validator == "additionalProperties" else 1)


def _surplus(error: ValidationError) -> int:
    """Count the properties that the schema does not know, each of which is a complaint."""
    schema, instance = error.schema, error.instance
    assert isinstance(schema, dict)
    patterns = [re.compile(pattern) for pattern in schema.get("patternProperties", {})]
    known = schema.get("properties", {})
    return sum(name not in known and not any(pattern.search(name) for pattern in patterns) for name in instance)

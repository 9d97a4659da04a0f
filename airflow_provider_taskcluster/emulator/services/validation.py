"""Validation of requests by their models, with errors as the services write them."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from airflow_provider_taskcluster.emulator.errors import InputValidationError

Model = TypeVar("Model", bound=BaseModel)


def validated(model: type[Model], payload: Any) -> Model:
    """Return the payload as an instance of the call's model."""
    try:
        return model.model_validate(payload)
    except ValidationError as error:
        lines = [f"  * data{''.join(f'/{p}' for p in e['loc'])} {_must(e['msg'])}" for e in error.errors()]
        raise InputValidationError("\n".join(["Schema Validation Failed!", "Errors:", *lines])) from None


def _must(message: str) -> str:
    return message.replace("Input should", "must", 1)

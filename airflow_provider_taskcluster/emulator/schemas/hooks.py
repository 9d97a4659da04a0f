"""Requests to the hooks service."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, RootModel

from .fields import Email, Request, Unique


class HookMetadata(Request):
    """Description of a hook for humans."""

    name: Annotated[str, Field(max_length=255)]
    description: Annotated[str, Field(max_length=32768)]
    owner: Annotated[Email, Field(max_length=255)]
    emailOnError: bool = True


class Binding(Request):
    """Binding of a hook to messages on Pulse; kept, but nothing fires by it here."""

    exchange: Annotated[str, Field(min_length=1)]
    routingKeyPattern: Annotated[str, Field(min_length=1)]


class CreateHook(Request):
    """Body of createHook and updateHook."""

    hookGroupId: Annotated[str, Field(min_length=1, max_length=1000, pattern=r"^[a-zA-Z0-9_-]*$")] | None = None
    hookId: Annotated[str, Field(min_length=1, max_length=1000, pattern=r"^[a-zA-Z0-9_/-]*$")] | None = None
    metadata: HookMetadata
    task: dict[str, Any]
    bindings: Annotated[list[Binding], Unique] | None = None
    schedule: Annotated[list[str], Unique] = []
    triggerSchema: dict[str, Any] = {"type": "object", "additionalProperties": False}


class TriggerPayload(RootModel[dict[str, Any]]):
    """Body of triggerHook and triggerHookWithToken: any object."""

"""Requests to the auth service."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .fields import LooseInstant, Request, Scope, Unique

Description = Annotated[str, Field(max_length=10240)]
Scopes = Annotated[list[Scope], Unique]


class CreateClient(Request):
    """Body of createClient and updateClient."""

    description: Description
    expires: LooseInstant
    scopes: Scopes | None = None
    deleteOnExpiration: bool = False


class CreateRole(Request):
    """Body of createRole and updateRole."""

    description: Description
    scopes: Scopes


class ScopeSet(Request):
    """Body of expandScopes."""

    scopes: Scopes

"""Requests to the index."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from .fields import Instant, Request, SlugId

# Integers up to this size are exact in every JSON implementation.
EXACT = 2**53


class IndexPaths(Request):
    """Body of findTasksAtIndex."""

    indexes: list[str] = []


class InsertTask(Request):
    """Body of insertTask."""

    taskId: SlugId
    rank: Annotated[int | float, Field(ge=-EXACT, le=EXACT)]
    data: dict[str, Any]
    expires: Instant

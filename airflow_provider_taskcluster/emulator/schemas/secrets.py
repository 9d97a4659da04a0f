"""Requests to the secrets service."""

from __future__ import annotations

from typing import Any

from .fields import LooseInstant, Request


class SetSecret(Request):
    """Body of set."""

    secret: dict[str, Any]
    expires: LooseInstant


def without_secret(payload: Any) -> Any:
    """Return the body of set as errors echo it, without the secret."""
    return {**payload, "secret": "(OMITTED)"} if isinstance(payload, dict) else "(OMITTED)"

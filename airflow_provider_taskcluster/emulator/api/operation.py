"""One call of the API, declared: how it is named, where it is, what it takes, which scopes it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel


@dataclass(frozen=True)
class Operation:
    """A call: ``run(caller, **path parameters, **query, request=body)`` of a service.

    ``scopes`` are those that the URL alone decides, with path parameters in braces; they are asked for before
    the body is looked at. Those that depend on the body or the state are asked for by the service. Without
    ``run`` the call is a ping: it answers without looking at any credentials.
    """

    service: str
    name: str
    method: str
    path: str
    run: Callable[..., Any] | None = None
    body: type[BaseModel] | None = None
    query: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()

    @property
    def route(self) -> str:
        """The path below the root URL."""
        return f"/api/{self.service}/v1{self.path}"


def declare(
    service: str,
    name: str,
    route: str,
    run: Callable[..., Any],
    body: type[BaseModel] | None = None,
    *,
    query: tuple[str, ...] = (),
    scopes: tuple[str, ...] = (),
) -> Operation:
    """An operation from ``"METHOD /path"``."""
    method, path = route.split(" ")
    return Operation(service, name, method, path, run, body, query, scopes)

"""Declaration of one API call: its name, route, parameters and scopes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel


@dataclass(frozen=True)
class Operation:
    """An API call, served by ``run(caller, **path parameters, **query, request=body)`` of a service.

    ``scopes`` are those that depend on the URL alone, with path parameters in braces; they are checked before
    the body is read. The service checks those that depend on the body or the state. ``echo`` turns the body into what
    errors show of it. A ``run`` that waits is a coroutine function, which is cancelled when the client goes. Without
    ``run`` the call is a ping, which checks no credentials.
    """

    service: str
    name: str
    method: str
    path: str
    run: Callable[..., Any] | None = None
    body: type[BaseModel] | None = None
    query: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    echo: Callable[[Any], Any] | None = None

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
    echo: Callable[[Any], Any] | None = None,
) -> Operation:
    """Return the operation for a route ``"METHOD /path"``."""
    method, path = route.split(" ")
    return Operation(service, name, method, path, run, body, query, scopes, echo)

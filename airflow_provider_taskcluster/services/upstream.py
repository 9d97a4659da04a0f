"""The ``taskcluster`` package: its services, their methods and arguments, and its clients."""

from __future__ import annotations

import difflib
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.common.messages import visible
from airflow_provider_taskcluster.common.redaction import quiet_libraries
from airflow_provider_taskcluster.exceptions import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from airflow_provider_taskcluster.services.credentials import Credentials


def import_libraries() -> None:
    """Import what the first call would import, so that the handler of a signal never finds a module half made."""
    import airflow_provider_taskcluster.common.http.pools  # noqa: F401 (to be loaded)

    class_names()


@cache
def class_names() -> dict[str, str]:
    """Return the name of the class for each service, such as ``PurgeCache`` for ``purge-cache``."""
    import taskcluster

    classes = {name: kind for name, kind in vars(taskcluster).items() if isinstance(kind, type)}
    return {
        kind.serviceName: name
        for name, kind in sorted(classes.items())
        if hasattr(kind, "serviceName") and not name.endswith("Events")  # those are exchanges of Pulse
    }


def class_name(service: str) -> str:
    """Return the name of the class for a service.

    :raises InvalidInput: There is no such service.
    """
    if service not in class_names():
        raise InvalidInput(f"There is no service {service!r}: name {' or '.join(class_names())}")
    return class_names()[service]


def check_call(
    service: str,
    method: str,
    args: Sequence[Any],
    payload: Mapping[str, Any] | None,
    query: Mapping[str, Any] | None,
) -> None:
    """Check a call before it is sent: the package silently drops unknown arguments.

    :raises InvalidInput: There is no such service or method, or it takes other arguments.
    """
    import taskcluster

    methods = getattr(taskcluster, class_name(service)).funcinfo
    if method not in methods:
        raise InvalidInput(f"{service} has no method {method!r}{_nearest(method, methods)}")
    entry, call = methods[method], f"{service}.{method}"
    if len(args) != len(entry["args"]):
        wanted = ", ".join(entry["args"]) or "no arguments"
        raise InvalidInput(f"{call} takes {wanted}, and got {', '.join(map(repr, args)) or 'none'}")
    for name, value in zip(entry["args"], args, strict=True):
        if isinstance(value, bool) or not isinstance(value, str | int) or str(value) in {"", ".", ".."}:
            raise InvalidInput(f"{name} of {call} is {value!r}: pass a text, or a number")
    if payload is None and "input" in entry:
        raise InvalidInput(f"{call} takes a payload ({visible(entry['input'])}): pass payload=")
    if payload is not None and "input" not in entry:
        raise InvalidInput(f"{call} takes no payload: leave it out")
    for name in query or {}:
        if name not in (known := entry.get("query", [])):
            raise InvalidInput(f"{call} has no query option {name!r}; it takes {', '.join(known) or 'none'}")


@cache
def sign_without_layout() -> None:
    """Keep mohawk from laying out each request for its debug log, which it does even if that log is off.

    It took up to 140 us of the 160 us of a signature.
    """
    import mohawk.base
    import mohawk.util

    mohawk.base.pprint = mohawk.util.pprint = SimpleNamespace(pformat=repr)


def upstream_client(
    service: str, root_url: str, credentials: Credentials | None, authorized_scopes: Iterable[str] | None
) -> Any:
    """Return the package's own synchronous client of a service.

    :raises InvalidInput: There is no such service.
    """
    import taskcluster

    quiet_libraries()
    return getattr(taskcluster, class_name(service))(options(root_url, credentials, authorized_scopes))


def options(root_url: str, credentials: Credentials | None, authorized_scopes: Iterable[str] | None) -> dict[str, Any]:
    """Return options for the package's clients; a new dict each time, since they change it."""
    chosen: dict[str, Any] = {"rootUrl": root_url}
    if credentials:
        chosen["credentials"] = credentials.as_options()
    if authorized_scopes is not None:
        chosen["authorizedScopes"] = list(authorized_scopes)
    return chosen


def _nearest(method: str, methods: Iterable[str]) -> str:
    close = difflib.get_close_matches(method, methods, n=3, cutoff=0.5)
    return f": did you mean {' or '.join(close)}?" if close else f"; it has {', '.join(sorted(methods))}"

"""Requests to the APIs, built and signed by the ``taskcluster`` package, which sends none of them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.services import upstream
from airflow_provider_taskcluster.services.transport import ApiRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_taskcluster.services.credentials import Credentials


def request_builder(
    service: str, root_url: str, credentials: Credentials | None, authorized_scopes: Sequence[str] | None
) -> Any:
    """Return the package's client of a service, whose methods return an ``ApiRequest`` in place of sending it.

    :raises InvalidInput: There is no such service.
    """
    upstream.sign_without_layout()
    return _builder_class(upstream.class_name(service))(upstream.options(root_url, credentials, authorized_scopes))


@cache
def _builder_class(name: str) -> Any:
    import taskcluster

    class Builder(getattr(taskcluster, name)):  # type: ignore[misc]  # (a class that is known by name)
        def _createSession(self) -> None:  # noqa: N802 (the package's name)
            """Open no session: nothing is sent."""

        def _makeHttpRequest(self, method: str, route: str, payload: Any) -> ApiRequest:  # noqa: N802 (the package's name)
            return _signed(self, method, route, payload)

    return Builder


def _signed(client: Any, method: str, route: str, payload: Any) -> ApiRequest:
    """Return the request that the package would send, with the same signature."""
    import mohawk
    from taskcluster.utils import dumpJson

    url = client._constructUrl(route)  # noqa: SLF001 (the package has no public name for it)
    body = "" if payload is None else dumpJson(payload)
    content_type = "application/json" if body else ""
    headers = {"Content-Type": content_type} if body else {}
    if client._hasCredentials():  # noqa: SLF001 (as above)
        given = client.options["credentials"]
        sender = mohawk.Sender(
            credentials={"id": given["clientId"], "key": given["accessToken"], "algorithm": "sha256"},
            ext=client.makeHawkExt() or {},
            url=url,
            content=body,
            content_type=content_type,
            method=method,
        )
        headers["Authorization"] = sender.request_header
    return ApiRequest(method.upper(), url, headers, body.encode() or None)

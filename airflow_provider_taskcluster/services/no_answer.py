"""What it means when a call met no answer: the reason in a few words, the next step, and whether it may pass."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_taskcluster import tls
from airflow_provider_taskcluster.exceptions import ConnectionFailed
from airflow_provider_taskcluster.redaction import public_url
from airflow_provider_taskcluster.texts import one_line

if TYPE_CHECKING:
    from airflow_provider_taskcluster.network import Network

PROXY_WANTS_LOGIN = 407


def no_answer(call: str, error: Exception, *, root_url: str, network: Network) -> Exception:
    """Return the error to raise for a request that met no answer; any other error is returned as it is."""
    from aiohttp import ClientConnectorDNSError, ClientError

    cause: Any = getattr(error, "superExc", None) or error
    if not isinstance(cause, ClientError | TimeoutError | OSError | asyncio.CancelledError):
        return error
    inner = getattr(cause, "os_error", cause)
    proxy = network.proxy_for(root_url)
    if proxy and _of_proxy(cause, proxy):
        return proxy_failed(call, root_url, proxy, _reason(inner), status=getattr(cause, "status", 0))
    through = f" through the proxy {public_url(proxy)}" if proxy else ""
    message = f"{call} got no answer from {root_url}{through}: {_reason(inner)}"
    if hint := tls.lasting(inner):
        return ConnectionFailed(f"{message}; {hint}", transient=False)
    hint = "is the root URL right?" if isinstance(cause, ClientConnectorDNSError) else "is it up, and reachable?"
    return ConnectionFailed(f"{message}; {hint}")


def proxy_failed(call: str, root_url: str, proxy: str, reason: str, *, status: int = 0) -> ConnectionFailed:
    """Return the error for a proxy that did not let a call through."""
    login = status == PROXY_WANTS_LOGIN
    hint = "write its login into the URL of the proxy" if login else "is the proxy up, and its URL right?"
    return ConnectionFailed(
        f"{call} did not reach {root_url}: the proxy {public_url(proxy)} failed: {reason}; {hint}", transient=not login
    )


def _of_proxy(cause: Any, proxy: str) -> bool:
    """Tell whether it was the proxy that failed, not what is behind it."""
    from aiohttp import ClientConnectorDNSError, ClientHttpProxyError, ClientProxyConnectionError

    if isinstance(cause, ClientConnectorDNSError):
        return bool(cause.host == urlsplit(proxy).hostname)
    return isinstance(cause, ClientHttpProxyError | ClientProxyConnectionError)


def _reason(cause: Any) -> str:
    from aiohttp import ClientResponseError

    if isinstance(cause, ClientResponseError):  # its own text repeats the URL, with the login of a proxy in it
        return one_line(f"{cause.status} {cause.message}")
    return (
        one_line(str(cause) or "no answer in time") if isinstance(cause, TimeoutError) else one_line(tls.reason(cause))
    )

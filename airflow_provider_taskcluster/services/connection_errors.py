"""Errors for calls without a readable response: the reason, the next step, and whether it may pass."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_taskcluster.common import tls
from airflow_provider_taskcluster.common.messages import exception_summary, one_line
from airflow_provider_taskcluster.common.redaction import public_url
from airflow_provider_taskcluster.exceptions import ConnectionFailed, TaskclusterError, UnreadableAnswer
from airflow_provider_taskcluster.services.errors import not_taskcluster
from airflow_provider_taskcluster.services.limits import TooLargeError

if TYPE_CHECKING:
    from airflow_provider_taskcluster.common.network import Network

PROXY_WANTS_LOGIN = 407


def connection_error(call: str, error: Exception, *, root_url: str, network: Network) -> TaskclusterError:
    """Return the error to raise for an exception of the libraries; ours are returned as they are."""
    from aiohttp import ClientConnectorDNSError, ClientError

    cause: Any = getattr(error, "superExc", None) or error
    if isinstance(error, TaskclusterError):
        return error
    if not isinstance(cause, ClientError | TimeoutError | OSError | asyncio.CancelledError):
        return _unreadable(call, error, root_url)
    inner = getattr(cause, "os_error", cause)
    proxy = network.proxy_for(root_url)
    if proxy and _of_proxy(cause, proxy):
        return proxy_error(call, root_url, proxy, _reason(inner), status=getattr(cause, "status", 0))
    through = f" through the proxy {public_url(proxy)}" if proxy else ""
    message = f"{call} got no answer from {root_url}{through}: {_reason(inner)}"
    if hint := tls.permanent_failure_hint(inner):
        return ConnectionFailed(f"{message}; {hint}", transient=False)
    hint = "is the root URL right?" if isinstance(cause, ClientConnectorDNSError) else "is it up, and reachable?"
    return ConnectionFailed(f"{message}; {hint}")


def _unreadable(call: str, error: Exception, root_url: str) -> UnreadableAnswer:
    """Return the error for a response that the libraries could not read, or for an unexpected exception."""
    if isinstance(error, TooLargeError):
        return UnreadableAnswer(not_taskcluster(call, root_url, str(error)))
    if isinstance(error, UnicodeError | LookupError):  # the latter for an unknown charset
        return UnreadableAnswer(not_taskcluster(call, root_url, "an answer that is no text in UTF-8"))
    if isinstance(error, RecursionError):
        return UnreadableAnswer(not_taskcluster(call, root_url, "JSON nested too deeply"))
    return UnreadableAnswer(f"{call} at {root_url} came to nothing: {exception_summary(error)}; please report this")


def proxy_error(call: str, root_url: str, proxy: str, reason: str, *, status: int = 0) -> ConnectionFailed:
    """Return the error for a call that failed at the proxy."""
    login = status == PROXY_WANTS_LOGIN
    hint = "write its login into the URL of the proxy" if login else "is the proxy up, and its URL right?"
    return ConnectionFailed(
        f"{call} did not reach {root_url}: the proxy {public_url(proxy)} failed: {reason}; {hint}", transient=not login
    )


def _of_proxy(cause: Any, proxy: str) -> bool:
    """Tell whether the proxy failed, not the server behind it."""
    from aiohttp import ClientConnectorDNSError, ClientHttpProxyError, ClientProxyConnectionError

    if isinstance(cause, ClientConnectorDNSError):
        return bool(cause.host == urlsplit(proxy).hostname)
    return isinstance(cause, ClientHttpProxyError | ClientProxyConnectionError)


def _reason(cause: Any) -> str:
    from aiohttp import ClientResponseError

    if isinstance(cause, ClientResponseError):  # its text repeats the URL, with the login of the proxy
        return one_line(f"{cause.status} {cause.message}")
    return (
        one_line(str(cause) or "no answer in time") if isinstance(cause, TimeoutError) else one_line(tls.reason(cause))
    )

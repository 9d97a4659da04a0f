"""Errors for calls without a readable response: the reason, the next step, and whether it may pass."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common import tls
from airflow_provider_taskcluster.common.messages import exception_summary
from airflow_provider_taskcluster.common.redaction import public_url
from airflow_provider_taskcluster.exceptions import ConnectionFailed, UnreadableAnswer
from airflow_provider_taskcluster.services.errors import not_taskcluster
from airflow_provider_taskcluster.services.transport import TooLargeError

if TYPE_CHECKING:
    from airflow_provider_taskcluster.common.network import Network
    from airflow_provider_taskcluster.services.transport import NoResponseError

PROXY_WANTS_LOGIN = 407


def connection_error(call: str, error: NoResponseError, *, root_url: str, network: Network) -> ConnectionFailed:
    """Return the error to raise for a call without a response."""
    proxy = network.proxy_for(root_url)
    hint = tls.permanent_failure_hint(error.cause)
    if proxy and error.at_proxy and not hint:
        return proxy_error(call, root_url, proxy, error.reason, status=error.status)
    through = f" through the proxy {public_url(proxy)}" if proxy else ""
    message = f"{call} got no answer from {root_url}{through}: {error.reason}"
    if hint:
        return ConnectionFailed(f"{message}; {hint}", transient=False)
    hint = "is the root URL right?" if error.unknown_host else "is it up, and reachable?"
    return ConnectionFailed(f"{message}; {hint}")


def unreadable(call: str, error: Exception, root_url: str) -> UnreadableAnswer:
    """Return the error for a response that cannot be read, or for an unexpected exception."""
    if isinstance(error, TooLargeError):
        return UnreadableAnswer(not_taskcluster(call, root_url, str(error)))
    if isinstance(error, UnicodeError):
        return UnreadableAnswer(not_taskcluster(call, root_url, "an answer that is no text in UTF-8"))
    if isinstance(error, json.JSONDecodeError):
        return UnreadableAnswer(not_taskcluster(call, root_url, "an answer without JSON"))
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

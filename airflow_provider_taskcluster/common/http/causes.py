"""Finds the cause of an error of urllib3, which wraps errors of the system, of TLS and of HTTP. Pure."""

from __future__ import annotations

import http.client
import ssl

from airflow_provider_taskcluster.common.http.strict_response import InvalidHead


def innermost(error: Exception) -> Exception:
    """Return the error of the system, TLS or HTTP that an error wraps."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and type(seen).__module__ in {"builtins", "ssl", "socket"}:
            return seen
        if isinstance(seen, InvalidHead | http.client.BadStatusLine | http.client.UnknownProtocol):
            return seen
        inner = seen.args[-1] if seen.args and isinstance(seen.args[-1], BaseException) else None
        reason = getattr(inner, "reason", None)  # an error, or a text of OpenSSL
        seen = reason if isinstance(reason, BaseException) else inner or seen.__cause__ or seen.__context__
    return Exception(type(error).__name__)  # without its message, which shows the URL


def timed_out(error: Exception, cause: Exception) -> bool:
    """Tell whether an error means that there was no answer in time."""
    return isinstance(cause, TimeoutError) or "Timeout" in type(error).__name__


def lost(error: Exception) -> bool:
    """Tell whether the server closed the connection before it answered."""
    return isinstance(innermost(error), ConnectionError | ssl.SSLEOFError)

"""Failures of requests to a store as our errors: on one line, without signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common import tls
from airflow_provider_taskcluster.common.http.causes import innermost, timed_out
from airflow_provider_taskcluster.common.http.encoding import decoder_for
from airflow_provider_taskcluster.common.http.strict_response import read_prefix
from airflow_provider_taskcluster.common.messages import one_line
from airflow_provider_taskcluster.common.redaction import public_url
from airflow_provider_taskcluster.common.retry import RETRIABLE_STATUSES, TRY_AGAIN, retry_after
from airflow_provider_taskcluster.exceptions import (
    GRANT_OVER,
    ConnectionFailed,
    StoreError,
    TaskclusterError,
    TransferError,
)
from airflow_provider_taskcluster.transfer.http.redirects import REDIRECT_STATUSES

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

LONGEST_REASON = 300
LONGEST_CODE = 100
# Most bytes read of an error response, or of the response to a PUT.
LONGEST_ERROR_BODY = 64 * 1024
ASK = "ask those who run this store"
# The next step for the user, by status or code.
_NEXT_STEPS: dict[int | str, str] = {
    **dict.fromkeys((401, 403, *GRANT_OVER), f"try again with a new URL, and if it stays so {ASK}"),
    404: "it has expired, or was never stored: have it made again",
    407: "write the login of the proxy into its URL",
    410: "it has expired: have it made again",
    413: "the store takes no file of this size: upload it in parts (multipart='always')",
}
# Transient error codes of S3, whatever the status ("Error responses", Amazon S3 API reference): a body that stalled,
# was cut or was damaged on the way (400), another request for the same key (409).
_TRANSIENT_CODES = {"RequestTimeout", "IncompleteBody", "BadDigest", "XAmzContentSHA256Mismatch", "OperationAborted"}


def status_error(response: BaseHTTPResponse, method: str, url: str) -> StoreError:
    """Return the error for a response with an unexpected status."""
    status = response.status
    if status in REDIRECT_STATUSES:
        message = f"{method} {public_url(url)} answered with a redirect ({status}), which is refused: {ASK}"
        return StoreError(message, status=status)
    code, reason = _reason_of(response)
    transient = status in RETRIABLE_STATUSES or code in _TRANSIENT_CODES
    next_step = TRY_AGAIN if transient else _NEXT_STEPS.get(code) or _NEXT_STEPS.get(status, ASK)
    return StoreError(
        f"{method} {public_url(url)} failed: the store answered {status} ({reason}); {next_step}",
        status=status,
        retry_after=retry_after(response.headers.get("Retry-After")),
        transient=transient,
        content_range=response.headers.get("Content-Range", ""),
        code=code,
    )


def _reason_of(response: BaseHTTPResponse) -> tuple[str, str]:
    """Return the error code of S3, "" for none, and the reason that the store gives."""
    text = _text_of(response)
    code, message = one_line(_element(text, "Code"), LONGEST_CODE), _element(text, "Message")
    reason = ": ".join(filter(None, (code, message))) or response.reason or "no reason given"
    return code, one_line(reason, LONGEST_REASON)


def _text_of(response: BaseHTTPResponse) -> str:
    """Return the start of the body as text, "" if it cannot be decoded."""
    body = memoryview(read_prefix(response, LONGEST_ERROR_BODY))
    try:
        decoder = decoder_for(response.headers.get("Content-Encoding", ""), LONGEST_ERROR_BODY)
        text = bytes(next(decoder.decode(body), b""))
    except TransferError:
        return ""
    return text.decode("utf-8", "replace")


def _element(text: str, name: str) -> str:
    """Return the text of the first XML element of this name, "" if there is none."""
    _, start_tag, rest = text.partition(f"<{name}>")
    content, end_tag, _ = rest.partition(f"</{name}>")
    return content if start_tag and end_tag else ""


def connection_error(method: str, url: str, error: Exception, proxy: str | None = None) -> TaskclusterError:
    """Return the error for a request without a response; the messages of the libraries would show the whole URL."""
    import urllib3

    where = f"{method} {public_url(url)}"
    if isinstance(error, urllib3.exceptions.LocationValueError):
        return ConnectionFailed(
            f"{public_url(url)!r} is not a URL that can be fetched: ask those who gave it", transient=False
        )
    cause = innermost(error)
    reason = "no answer in time" if timed_out(error, cause) else one_line(tls.reason(cause), LONGEST_REASON)
    if hint := tls.permanent_failure_hint(cause):
        return ConnectionFailed(f"{where} failed: {reason}; {hint}", transient=False)
    if isinstance(error, urllib3.exceptions.ProxyError):
        return ConnectionFailed(
            f"{where} did not get past the proxy {public_url(proxy or '')}: {reason}; is it up, and its URL right?"
        )
    return ConnectionFailed(f"{where} got no answer: {reason}; {TRY_AGAIN}, and see that this worker reaches it")

"""What goes wrong with requests to a store, as errors of ours: without signatures, and in one line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airflow_provider_taskcluster import tls
from airflow_provider_taskcluster.exceptions import GRANT_OVER, ConnectionFailed, StoreError, TaskclusterError
from airflow_provider_taskcluster.redaction import public_url
from airflow_provider_taskcluster.retry import RETRIABLE_STATUSES, TRY_AGAIN, retry_after
from airflow_provider_taskcluster.texts import one_line

if TYPE_CHECKING:
    import requests

REDIRECTS = {301, 302, 303, 307, 308}
LONGEST_REASON = 300
ASK = "ask those who run this store"
# What to do about an answer, by its status or code.
_NEXT: dict[int | str, str] = {
    **dict.fromkeys((401, 403, *GRANT_OVER), f"try again with a new URL, and if it stays so {ASK}"),
    404: "it has expired, or was never stored: have it made again",
    407: "write the login of the proxy into its URL",
    410: "it has expired: have it made again",
    413: "the store takes no file of this size: upload it in parts (multipart='always')",
}
# Errors of S3 that pass, whatever the status ("Error responses", Amazon S3 API reference): a body that stalled (400),
# another request for the same key (409).
_PASSING = {"RequestTimeout", "OperationAborted"}
_S3_ERROR = re.compile(r"<Code>(.*?)</Code>.*?<Message>(.*?)</Message>", re.DOTALL)


def refusal(response: requests.Response, method: str, url: str) -> StoreError:
    """Build the error for an answer that is not the one that was wanted."""
    status = response.status_code
    if status in REDIRECTS:
        said = f"{method} {public_url(url)} answered with a redirect ({status}), which is refused: {ASK}"
        return StoreError(said, status=status)
    code, reason = _reason_of(response)
    transient = status in RETRIABLE_STATUSES or code in _PASSING
    said = f"{method} {public_url(url)} failed: the store answered {status} ({reason})"
    return StoreError(
        f"{said}; {TRY_AGAIN if transient else _NEXT.get(code) or _NEXT.get(status, ASK)}",
        status=status,
        retry_after=retry_after(response.headers.get("Retry-After")),
        transient=transient,
        content_range=response.headers.get("Content-Range", ""),
        code=code,
    )


def _reason_of(response: requests.Response) -> tuple[str, str]:
    """Return the code of S3, or "", and what the store says about it, if that can be read."""
    import urllib3

    try:
        text = response.raw.read(4096, decode_content=True).decode("utf-8", "replace")
    except (urllib3.exceptions.HTTPError, OSError):
        text = ""
    said = _S3_ERROR.search(text)
    reason = f"{said[1]}: {said[2]}" if said else (response.reason or "no reason given")
    return said[1] if said else "", one_line(reason, LONGEST_REASON)


def no_answer(method: str, url: str, error: Exception, proxy: str | None = None) -> TaskclusterError:
    """Build the error for a request without an answer; the libraries' own texts hold the whole URL."""
    import requests
    import urllib3

    where = f"{method} {public_url(url)}"
    invalid = (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema, urllib3.exceptions.LocationValueError)
    if isinstance(error, invalid):
        return ConnectionFailed(
            f"{public_url(url)!r} is not a URL that can be fetched: ask those who gave it", transient=False
        )
    cause = _cause(error)
    said = "no answer in time" if _timed_out(error, cause) else tls.reason(cause)
    if hint := tls.lasting(cause):
        return ConnectionFailed(f"{where} failed: {said}; {hint}", transient=False)
    if isinstance(error, requests.exceptions.ProxyError):
        return ConnectionFailed(
            f"{where} did not get past the proxy {public_url(proxy or '')}: {said}; is it up, and its URL right?"
        )
    return ConnectionFailed(f"{where} got no answer: {said}; {TRY_AGAIN}, and see that this worker reaches it")


def _cause(error: Exception) -> Exception:
    """Return the innermost reason that the system or TLS gave, which the libraries wrap several times."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and type(seen).__module__ in {"builtins", "ssl", "socket"}:
            return seen
        inner = seen.args[-1] if seen.args and isinstance(seen.args[-1], BaseException) else None
        reason = getattr(inner, "reason", None) or inner
        seen = reason if isinstance(reason, BaseException) else seen.__cause__ or seen.__context__
    return type(error)(type(error).__name__)  # its own text holds the URL


def _timed_out(error: Exception, cause: Exception) -> bool:
    return isinstance(cause, TimeoutError) or "Timeout" in type(error).__name__

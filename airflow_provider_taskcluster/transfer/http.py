"""Requests to the stores: one GET or one PUT, on kept connections, each failure as one of our errors.

No retries here (``retry.py`` owns them) and no credentials: the URLs are signed.
"""

from __future__ import annotations

import re
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urljoin, urlsplit

from airflow_provider_taskcluster.exceptions import ConnectionFailed, Interrupted, StoreError, TaskclusterError
from airflow_provider_taskcluster.redaction import public_url, quiet_libraries
from airflow_provider_taskcluster.retry import RETRIABLE_STATUSES, retry_after
from airflow_provider_taskcluster.transfer.answer import Answer
from airflow_provider_taskcluster.transfer.config import MIB

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import requests

    from airflow_provider_taskcluster.network import Network

# Kept to one store; a transfer may use so many at once.
MOST_CONNECTIONS = 32
_REDIRECTS = {301, 302, 303, 307, 308}
_S3_ERROR = re.compile(r"<Code>(.*?)</Code>.*?<Message>(.*?)</Message>", re.DOTALL)


class ReadableBody(Protocol):
    """What a PUT sends."""

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes."""


class Store:
    """Makes requests to stores and keeps their connections.

    :param network: Time-outs, proxies, trusted certificates and the retry policy of those who call this.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self._session: requests.Session | None = None
        self._lock = threading.Lock()
        self._active: set[Answer] = set()
        self._stopped = False

    @contextmanager
    def get(self, url: str, headers: Mapping[str, str], *, redirects: int = 0) -> Iterator[Answer]:
        """GET a URL and give out its body as a stream.

        :param redirects: How many redirects may be followed, to http and https only.
        :raises StoreError: An answer other than 200 or 206.
        :raises ConnectionFailed: No answer.
        """
        for hop in range(redirects + 1):
            response = self._send("GET", url, headers)
            try:
                location = response.headers.get("Location")
                if response.status_code in _REDIRECTS and location and hop < redirects:
                    url = _redirected(url, location)
                    continue
                _require(response, {200, 206}, "GET", url)
                with self._listed(Answer(response, url)) as answer:
                    yield answer
                return
            finally:
                response.close()

    def put(self, url: str, headers: Mapping[str, str], body: ReadableBody, size: int) -> None:
        """PUT a body of ``size`` bytes with exactly these headers, which are signed.

        :raises StoreError: An answer other than 200, 201 or 204.
        :raises ConnectionFailed: No answer.
        """
        response = self._send("PUT", url, {"Content-Length": str(size), **headers}, body)
        with response:
            _require(response, {200, 201, 204}, "PUT", url)
            response.raw.drain_conn()  # so that the connection is kept

    def stop(self) -> None:
        """End all transfers, from another thread or a signal handler; they raise :class:`Interrupted`."""
        self._stopped = True
        for answer in list(self._active):
            answer.abort()

    def check(self) -> None:
        """Raise :class:`Interrupted` if the transfers were told to end."""
        if self._stopped:
            raise Interrupted("The transfer was interrupted, because its task was told to stop")

    def sleep(self, seconds: float) -> None:
        """Wait so long, or until the transfers are told to end. In slices: a signal handler may do the telling."""
        end = time.monotonic() + seconds
        while not self._stopped and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, 0.2))

    @contextmanager
    def _listed(self, answer: Answer) -> Iterator[Answer]:
        """Keep the answer where ``stop`` finds it."""
        self._active.add(answer)
        try:
            yield answer
        except ConnectionFailed:
            self.check()
            raise
        finally:
            self._active.discard(answer)

    def close(self) -> None:
        """Close the kept connections."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: Any = None) -> requests.Response:
        import requests

        self.check()
        try:
            prepared = requests.Request(method, url, headers=dict(headers)).prepare()
            prepared.url = url  # signed: to be sent as it is
            prepared.body = body
            proxy = self.network.proxy_for(url)
            # Past the session, which would read the body of a redirect into memory, and parse where it leads.
            return (
                self._kept()
                .get_adapter(url)
                .send(
                    prepared,
                    stream=True,
                    timeout=(self.network.connect_timeout, self.network.read_timeout),
                    verify=self.network.ca_bundle(),
                    proxies={urlsplit(url).scheme: proxy} if proxy else {},
                )
            )
        except requests.RequestException as error:
            raise _no_answer(method, url, error) from None

    def _kept(self) -> requests.Session:
        with self._lock:
            if self._session is None:
                import requests

                quiet_libraries()
                self._session = requests.Session()
                for scheme in ("http://", "https://"):
                    self._session.mount(scheme, _adapter())
            return self._session


def _adapter() -> requests.adapters.HTTPAdapter:
    from requests.adapters import HTTPAdapter

    class BigBlocks(HTTPAdapter):
        """Sends bodies in large blocks; the usual 16 KiB cost more in calls than in bytes."""

        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs, blocksize=MIB)

    return BigBlocks(max_retries=0, pool_maxsize=MOST_CONNECTIONS)


def _redirected(url: str, location: str) -> str:
    try:
        target = urljoin(url, location)
        scheme = urlsplit(target).scheme
    except ValueError:
        raise StoreError(f"{public_url(url)} redirects to something that is no URL") from None
    if scheme not in {"http", "https"}:
        raise StoreError(f"{public_url(url)} redirects to {scheme!r}, not to http or https")
    return target


def _require(response: requests.Response, good: set[int], method: str, url: str) -> None:
    status = response.status_code
    if status in good:
        return
    if status in _REDIRECTS:
        raise StoreError(
            f"{method} {public_url(url)} answered with a redirect ({status}), which is refused", status=status
        )
    text = response.raw.read(4096, decode_content=True).decode("utf-8", "replace")
    said = _S3_ERROR.search(text)
    reason = f"{said[1]}: {said[2]}" if said else (response.reason or "no reason given")
    raise StoreError(
        f"{method} {public_url(url)} failed: the store answered {status} ({reason})",
        status=status,
        retry_after=retry_after(response.headers.get("Retry-After")),
        transient=status in RETRIABLE_STATUSES,
        content_range=response.headers.get("Content-Range", ""),
    )


def _no_answer(method: str, url: str, error: requests.RequestException) -> TaskclusterError:
    """Build the error for a request without an answer, without the URL that requests puts into its texts."""
    import requests

    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.MissingSchema):
        return ConnectionFailed(f"{public_url(url)!r} is not a URL that can be fetched", transient=False)
    inner: Any = error.args[0] if error.args else error
    reason = getattr(inner, "reason", None) or inner
    text = f"{type(reason).__name__}" if url.partition("?")[2] and url.partition("?")[2] in str(reason) else str(reason)
    message = f"{method} {public_url(url)} got no answer: {text}"
    if isinstance(error, requests.exceptions.SSLError):
        return ConnectionFailed(f"{message}; trust its certificate with the extra verify", transient=False)
    return ConnectionFailed(message)

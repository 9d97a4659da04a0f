"""Requests to the stores: one GET or one PUT, on kept connections, each failure as one of our errors.

No retries here (``retry.py`` owns them) and no credentials: the URLs are signed.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urljoin, urlsplit

from airflow_provider_taskcluster.exceptions import ConnectionFailed, StoreError, TaskclusterError, Truncated
from airflow_provider_taskcluster.redaction import public_url, quiet_libraries
from airflow_provider_taskcluster.retry import RETRIABLE_STATUSES, retry_after
from airflow_provider_taskcluster.transfer.config import MIB

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import requests

    from airflow_provider_taskcluster.network import Network

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
                yield Answer(response, url)
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

    def close(self) -> None:
        """Close the kept connections."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: Any = None) -> requests.Response:
        import requests

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
        if self._session is None:
            import requests

            quiet_libraries()
            session = requests.Session()
            session.trust_env = False  # proxies come from our own settings; a netrc must not add a login
            for scheme in ("http://", "https://"):
                session.mount(scheme, _adapter())
            self._session = session
        return self._session


class Answer:
    """A good answer to a GET, its body still on the way."""

    def __init__(self, response: requests.Response, url: str) -> None:
        self._response = response
        self._url = url
        self.headers = response.headers

    @property
    def length(self) -> int | None:
        """Bytes of the (encoded) body, None if the store does not say."""
        value = self.headers.get("Content-Length", "")
        return int(value) if value.isdigit() else None

    @property
    def encoding(self) -> str:
        """Content-Encoding of the body, "" for none."""
        return str(self.headers.get("Content-Encoding", ""))

    @property
    def content_type(self) -> str:
        """Content type, as the store says."""
        return str(self.headers.get("Content-Type", "application/octet-stream"))

    def chunks(self, size: int) -> Iterator[memoryview]:
        """Yield the body as it came, still encoded, in a buffer that is used again.

        :raises Truncated: The body ended early.
        :raises ConnectionFailed: The connection broke or fell silent.
        """
        import urllib3

        buffer = memoryview(bytearray(size))
        received = 0
        where = public_url(self._url)
        while True:
            try:
                count = self._response.raw.readinto(buffer)
            except urllib3.exceptions.IncompleteRead:
                count = 0
            except urllib3.exceptions.ProtocolError as error:
                if isinstance(error.args[-1], urllib3.exceptions.IncompleteRead):
                    count = 0
                else:
                    raise ConnectionFailed(f"The connection broke after {received} bytes of {where}") from None
            except (urllib3.exceptions.HTTPError, OSError) as error:
                raise ConnectionFailed(f"{where} fell silent after {received} bytes: {error}") from None
            if not count:
                break
            received += count
            yield buffer[:count]
        if self.length is not None and received != self.length:
            raise Truncated(f"{where} ended after {received} of {self.length} bytes")


def _adapter() -> requests.adapters.HTTPAdapter:
    from requests.adapters import HTTPAdapter

    class BigBlocks(HTTPAdapter):
        """Sends bodies in large blocks; the usual 16 KiB cost more in calls than in bytes."""

        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs, blocksize=MIB)

    return BigBlocks(max_retries=0)


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

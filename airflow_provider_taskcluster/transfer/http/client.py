"""Requests to the stores: one GET or one PUT, on kept connections, each failure as one of our errors.

No retries here (``retry.py`` owns them) and no credentials: the URLs are signed.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from airflow_provider_taskcluster.common.redaction import public_url, quiet_libraries
from airflow_provider_taskcluster.common.urls import host_is_allowed, problem
from airflow_provider_taskcluster.exceptions import ConnectionFailed, Interrupted, ReferenceRefused
from airflow_provider_taskcluster.transfer.http.connection import RequestConnection
from airflow_provider_taskcluster.transfer.http.errors import LONGEST_ERROR_BODY, connection_error, status_error
from airflow_provider_taskcluster.transfer.http.redirects import (
    METHOD_PRESERVING,
    REDIRECT_STATUSES,
    redirect_target,
    same_origin,
)
from airflow_provider_taskcluster.transfer.http.response import StoreResponse
from airflow_provider_taskcluster.transfer.http.strict_response import read_prefix, underlying_response

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    import requests

    from airflow_provider_taskcluster.common.network import Network
    from airflow_provider_taskcluster.transfer.threads.buffers import Failure


class ReadableBody(Protocol):
    """What a PUT sends."""

    def read(self, size: int, /) -> bytes | memoryview:
        """Return the next bytes, which need to hold until the next call only."""


class StoreClient:
    """Makes requests to stores and keeps their connections.

    :param network: Time-outs, proxies, trusted certificates and the retry policy of those who call this.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._session: requests.Session | None = None
        self._lock = threading.Lock()
        self._connections: set[RequestConnection] = set()
        self._proxies: dict[tuple[str, str], str | None] = {}
        self._stopped = False

    @contextmanager
    def get(
        self, url: str, headers: Mapping[str, str], *, redirects: int = 0, hosts: Sequence[str] | None = None
    ) -> Iterator[StoreResponse]:
        """GET a URL and give out its body as a stream.

        :param redirects: How many redirects may be followed, to http and https only.
        :param hosts: Where they may lead (``urls.host_is_allowed``); None for anywhere.
        :raises StoreError: An answer other than 200 or 206.
        :raises ReferenceRefused: A redirect to a host that is not among these.
        :raises ConnectionFailed: No answer.
        """
        for hop in range(redirects + 1):
            with self._requested("GET", url, headers) as (response, connection):
                location = response.headers.get("Location")
                if response.status_code in REDIRECT_STATUSES and location and hop < redirects:
                    url = _allowed(redirect_target(url, location), hosts)
                    continue
                if response.status_code not in {200, 206}:
                    raise status_error(response, "GET", url)
                yield StoreResponse(response, url, connection)
                return

    def put(self, url: str, headers: Mapping[str, str], body: ReadableBody, size: int) -> str | None:
        """PUT a body of ``size`` bytes with exactly these headers, which are signed.

        :returns: None, or the URL of the same origin to which the store wants the body sent instead (307, 308).
        :raises StoreError: An answer other than 200, 201 or 204, or a redirect to another origin.
        :raises ConnectionFailed: No answer.
        """
        headers = {"Content-Length": str(size), **headers}
        with self._requested("PUT", url, headers, body) as (response, _):
            location = response.headers.get("Location")
            if response.status_code in METHOD_PRESERVING and location:
                target = redirect_target(url, location)
                if same_origin(url, target):
                    return target
            if response.status_code not in {200, 201, 204}:
                raise status_error(response, "PUT", url)
            _read_to_end(response)
        return None

    def stop(self) -> None:
        """End all transfers, from another thread or a signal handler; they raise :class:`Interrupted`."""
        self._leave_parent()
        self._stopped = True
        self.abort()

    def abort(self, threads: Collection[threading.Thread] | None = None) -> None:
        """Break off the requests of these threads, or of all; they raise :class:`ConnectionFailed`."""
        self._leave_parent()
        for connection in list(self._connections):
            if threads is None or connection.thread in threads:
                connection.abort()

    def check(self) -> None:
        """Raise :class:`Interrupted` if the transfers were told to end."""
        if self._stopped:
            raise Interrupted("The transfer was interrupted, because its task was told to stop")

    def sleep(self, seconds: float, failure: Failure | None = None) -> None:
        """Wait so long, or until the transfers are told to end. In slices: a signal handler may do the telling.

        :param failure: Of the transfer of which one thread waits: ends it, too.
        :raises Interrupted: The transfer has failed in another thread.
        """
        end = time.monotonic() + seconds
        while not self._stopped and not (failure and failure.error) and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, 0.2))
        if failure and failure.error:
            raise Interrupted("There is no further try, because the transfer has failed")

    @contextmanager
    def _requested(self, *request: Any) -> Iterator[tuple[requests.Response, RequestConnection]]:
        """Send a request and give out its answer, over a connection that ``stop`` finds."""
        self._leave_parent()
        connection = RequestConnection()
        self._connections.add(connection)
        try:
            self.check()
            with connection.sending():
                response = self._send(*request)
            with response:
                yield response, connection
        except ConnectionFailed:
            self.check()
            raise
        finally:
            self._connections.discard(connection)

    def _leave_parent(self) -> None:
        """Begin anew in a child that was forked: the connections are its parent's, and so is the end of them."""
        if self._process != os.getpid():
            self._begin()

    def close(self) -> None:
        """Close the kept connections."""
        self._leave_parent()
        if self._session is not None:
            self._session.close()
            self._session = None

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: Any = None) -> requests.Response:
        import requests
        from urllib3.exceptions import LocationValueError

        if why := problem(url):
            raise ConnectionFailed(f"{public_url(url)!r} is not a URL that can be fetched: {why}", transient=False)
        try:
            proxy = self._proxy_for(url)
        except (requests.RequestException, LocationValueError, ValueError):
            raise ConnectionFailed(f"{public_url(url)!r} is not a URL that can be fetched", transient=False) from None
        prepared = requests.PreparedRequest()
        prepared.method, prepared.url, prepared.body = method, url, body  # signed: to be sent as it is
        prepared.headers = requests.structures.CaseInsensitiveDict(headers)
        # Past the session, which would read the body of a redirect into memory, and parse where it leads.
        adapter = self._kept().get_adapter(url)
        try:
            return adapter.send(
                prepared,
                stream=True,
                timeout=(self.network.connect_timeout, self.network.read_timeout),
                # Reading the certificates takes longer than a small body.
                verify=self.network.ca_bundle() if _encrypted(url, proxy) else True,
                proxies={urlsplit(url).scheme: proxy} if proxy else {},
            )
        except (requests.RequestException, LocationValueError) as error:
            raise connection_error(method, url, error, proxy) from None

    def _proxy_for(self, url: str) -> str | None:
        """Return what the network says, of a URL that can be fetched.

        It is asked once for each server: that reads the environment, and to take a URL apart as requests does costs as
        much as well, which is half of a small request.
        """
        parts = urlsplit(url)
        server = parts.scheme, parts.netloc
        if server not in self._proxies:
            import requests

            requests.Request("GET", url).prepare()
            self._proxies[server] = self.network.proxy_for(url)
        return self._proxies[server]

    def _kept(self) -> requests.Session:
        """Return the session of this process."""
        with self._lock:
            if self._session is None:
                import requests

                from airflow_provider_taskcluster.transfer.http.adapter import store_adapter

                quiet_libraries()
                self._session = requests.Session()
                for scheme in ("http://", "https://"):
                    self._session.mount(scheme, store_adapter(self.network.read_timeout))
            return self._session


def _allowed(url: str, hosts: Sequence[str] | None) -> str:
    if hosts is None or host_is_allowed(url, hosts):
        return url
    raise ReferenceRefused(
        f"A reference redirects to {public_url(url)}, whose host is not in allow_reference: "
        f"add it if you trust that host"
    )


def _encrypted(url: str, proxy: str | None) -> bool:
    return any(to.lower().startswith("https:") for to in (url, proxy or ""))


def _read_to_end(response: requests.Response) -> None:
    """Read an answer that nobody needs, so that its connection is kept. A longer one is closed instead."""
    if underlying_response(response).framing.marked:
        read_prefix(response, LONGEST_ERROR_BODY)

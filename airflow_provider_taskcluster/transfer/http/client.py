"""The HTTP client for stores: one GET or one PUT, on kept connections, each failure as one of our errors.

It does not retry (``common/retry.py`` does) and sends no credentials: the URLs are signed.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_taskcluster.common.http.sender import RequestSender
from airflow_provider_taskcluster.common.http.strict_response import read_prefix, underlying_response
from airflow_provider_taskcluster.common.redaction import public_url
from airflow_provider_taskcluster.common.urls import host_is_allowed, url_problem
from airflow_provider_taskcluster.exceptions import ConnectionFailed, Interrupted, ReferenceRefused
from airflow_provider_taskcluster.transfer.http.errors import LONGEST_ERROR_BODY, connection_error, status_error
from airflow_provider_taskcluster.transfer.http.redirects import (
    METHOD_PRESERVING,
    REDIRECT_STATUSES,
    redirect_target,
    same_origin,
)
from airflow_provider_taskcluster.transfer.http.response import StoreResponse

if TYPE_CHECKING:
    import threading
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from urllib3 import BaseHTTPResponse

    from airflow_provider_taskcluster.common.http.connection import RequestConnection
    from airflow_provider_taskcluster.common.network import Network
    from airflow_provider_taskcluster.transfer.threads.buffers import Failure


class ReadableBody(Protocol):
    """The body of a PUT."""

    def read(self, size: int, /) -> bytes | memoryview:
        """Return the next bytes, which are valid until the next call."""


class StoreClient:
    """Sends requests to stores and keeps their connections.

    :param network: Time-outs, proxies and trusted certificates; also the retry policy, which callers apply.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self._sender = RequestSender(network, self.check)

    @contextmanager
    def get(
        self, url: str, headers: Mapping[str, str], *, redirects: int = 0, hosts: Sequence[str] | None = None
    ) -> Iterator[StoreResponse]:
        """GET a URL and yield the response, its body as a stream.

        :param redirects: How many redirects may be followed, to http and https only.
        :param hosts: Hosts they may lead to (``urls.host_is_allowed``); None for all.
        :raises StoreError: The status is not 200 or 206.
        :raises ReferenceRefused: A redirect leads to a host that is not allowed.
        :raises ConnectionFailed: There was no response.
        """
        for hop in range(redirects + 1):
            with self._requested("GET", url, headers) as (response, connection):
                location = response.headers.get("Location")
                if response.status in REDIRECT_STATUSES and location and hop < redirects:
                    url = _allowed(redirect_target(url, location), hosts)
                    continue
                if response.status not in {200, 206}:
                    raise status_error(response, "GET", url)
                yield StoreResponse(response, url, connection)
                return

    def put(self, url: str, headers: Mapping[str, str], body: ReadableBody, size: int) -> str | None:
        """PUT a body of ``size`` bytes with exactly these headers, which are signed.

        :returns: None, or the URL to send the body to instead (307, 308), which has the same origin.
        :raises StoreError: The status is not 200, 201 or 204, or a redirect leads to another origin.
        :raises ConnectionFailed: There was no response.
        """
        headers = {"Content-Length": str(size), **headers}
        with self._requested("PUT", url, headers, body) as (response, _):
            location = response.headers.get("Location")
            if response.status in METHOD_PRESERVING and location:
                target = redirect_target(url, location)
                if same_origin(url, target):
                    return target
            if response.status not in {200, 201, 204}:
                raise status_error(response, "PUT", url)
            _read_to_end(response)
        return None

    def stop(self) -> None:
        """End all transfers, from another thread or a signal handler; they raise :class:`Interrupted`."""
        self._sender.stop()
        self._sender.abort()

    def abort(self, threads: Collection[threading.Thread]) -> None:
        """Abort the requests of these threads; they raise :class:`ConnectionFailed`."""
        self._sender.abort(threads=threads)

    def check(self) -> None:
        """Raise :class:`Interrupted` after ``stop``."""
        if self._sender.stopped:
            raise Interrupted("The transfer was interrupted, because its task was told to stop")

    def sleep(self, seconds: float, failure: Failure | None = None) -> None:
        """Wait, until ``stop`` is called at the latest. In slices, because a signal handler may call ``stop``.

        :param failure: Failure of the transfer that this thread belongs to; it ends the wait, too.
        :raises Interrupted: The transfer has failed in another thread.
        """
        end = time.monotonic() + seconds
        while not self._sender.stopped and not (failure and failure.error) and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, 0.2))
        if failure and failure.error:
            raise Interrupted("There is no further try, because the transfer has failed")

    @contextmanager
    def _requested(
        self, method: str, url: str, headers: Mapping[str, str], body: Any = None
    ) -> Iterator[tuple[BaseHTTPResponse, RequestConnection]]:
        """Send a request and yield the response, over a connection that ``stop`` can abort."""
        from urllib3.exceptions import HTTPError

        if why := url_problem(url):
            raise ConnectionFailed(f"{public_url(url)!r} is not a URL that can be fetched: {why}", transient=False)
        try:
            with self._sender.sent(method, url, headers, body) as sent:
                yield sent
        except HTTPError as error:
            self.check()
            raise connection_error(method, url, error, self._sender.proxy_for(url)) from None
        except ConnectionFailed:
            self.check()
            raise

    def close(self) -> None:
        """Close the kept connections."""
        self._sender.close()


def _allowed(url: str, hosts: Sequence[str] | None) -> str:
    if hosts is None or host_is_allowed(url, hosts):
        return url
    raise ReferenceRefused(
        f"A reference redirects to {public_url(url)}, whose host is not in allow_reference: "
        f"add it if you trust that host"
    )


def _read_to_end(response: BaseHTTPResponse) -> None:
    """Read the rest of a response, so that its connection can be reused. A long response is closed instead."""
    if underlying_response(response).framing.marked:
        read_prefix(response, LONGEST_ERROR_BODY)

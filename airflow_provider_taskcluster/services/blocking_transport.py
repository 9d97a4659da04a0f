"""The transport of tasks: it blocks the calling thread, over the same kind of connections as the transfers."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common import tls
from airflow_provider_taskcluster.common.http.causes import innermost, timed_out
from airflow_provider_taskcluster.common.http.encoding import decoder_for
from airflow_provider_taskcluster.common.http.sender import RequestSender
from airflow_provider_taskcluster.common.http.strict_response import underlying_response
from airflow_provider_taskcluster.common.messages import one_line
from airflow_provider_taskcluster.exceptions import TransferError
from airflow_provider_taskcluster.services.runner import run
from airflow_provider_taskcluster.services.transport import (
    FIRST_ERROR,
    LARGEST_ERROR,
    ApiResponse,
    NoResponseError,
    TooLargeError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager

    from urllib3 import BaseHTTPResponse

    from airflow_provider_taskcluster.common.network import Network
    from airflow_provider_taskcluster.services.transport import ApiRequest, Job

READ_SIZE = 64 * 1024
# What the library says of a proxy that refuses to connect.
_REFUSED_BY_PROXY = re.compile(r"Tunnel connection failed: (\d{3})")


class BlockingTransport:
    """Implements ``Transport`` for any number of threads.

    :param network: Time-outs, proxies, trusted certificates, and the limit on bodies.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._sender = RequestSender(network)

    @property
    def stopped(self) -> bool:
        """Whether ``stop`` was called in this process."""
        return self._sender.stopped

    async def send(self, request: ApiRequest) -> ApiResponse:
        """Send a request and return the response. The time-outs together limit the time from its first byte on."""
        from urllib3.exceptions import HTTPError

        headers = {"Accept": "*/*", "Accept-Encoding": "gzip", **request.headers}
        try:
            with self._sender.sent(request.method, request.url, headers, request.body) as (response, _):
                return ApiResponse(response.status, response.headers, self._body(response))
        except (HTTPError, http.client.HTTPException, OSError) as error:
            raise _no_response(error) from None
        except TransferError as error:
            raise NoResponseError("its gzip body is broken", error) from None

    def _body(self, response: BaseHTTPResponse) -> bytes:
        """Return the decoded body, or the beginning of an error."""
        error = response.status >= FIRST_ERROR
        limit = LARGEST_ERROR if error else self._network.largest_answer
        source, body = underlying_response(response), bytearray()
        if source.framing.unreadable:
            raise http.client.HTTPException(f"a {source.framing.unreadable} that cannot be read")
        decoder = decoder_for(response.headers.get("Content-Encoding", ""), READ_SIZE)
        deadline = time.monotonic() + self._network.connect_timeout + self._network.read_timeout
        while data := source.read1(READ_SIZE):
            for piece in decoder.decode(memoryview(data)):
                body += piece
                if len(body) <= limit:
                    continue
                if error:
                    return bytes(body[:limit])
                raise TooLargeError(f"more than {limit} bytes")
            if time.monotonic() > deadline:
                raise TimeoutError
        if source.length:
            raise http.client.IncompleteRead(bytes(body), source.length)
        if body:
            decoder.finish()
        source.close()
        response.release_conn()  # urllib3 does not see the end of the body
        return bytes(body)

    async def sleep(self, seconds: float) -> None:
        """Block the thread."""
        time.sleep(seconds)  # noqa: ASYNC251 (this coroutine runs without an event loop)

    async def run_all(self, jobs: Sequence[Job], at_once: int) -> None:
        """Run each job in a thread."""
        if len(jobs) <= 1:
            for job in jobs:
                await job()
            return
        pool = ThreadPoolExecutor(min(at_once, len(jobs)), "taskcluster-calls")
        try:
            for _ in pool.map(lambda job: run(job()), jobs):
                pass
        except BaseException:
            self._sender.abort()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        pool.shutdown()

    def turns(self) -> AbstractAsyncContextManager[object]:
        """Return no lock: there is no event loop."""
        return contextlib.nullcontext()

    def stop(self) -> None:
        """Allow no further try, and end the calls that only read. Others go on, since their answer may be needed."""
        self._sender.stop()
        self._sender.abort(method="GET")

    async def close(self) -> None:
        """Close the kept connections."""
        self._sender.close()


def _no_response(error: Exception) -> NoResponseError:
    from urllib3.exceptions import ProxyError

    cause = innermost(error)
    reason = "no answer in time" if timed_out(error, cause) else one_line(tls.reason(cause))
    refused = _REFUSED_BY_PROXY.search(str(cause))
    return NoResponseError(
        reason,
        cause,
        unknown_host=isinstance(cause, socket.gaierror),
        at_proxy=isinstance(error, ProxyError),
        status=int(refused[1]) if refused else 0,
    )

"""The transport of tasks: it blocks the calling thread, over the same kind of connections as the transfers."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import time
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common import tls
from airflow_provider_taskcluster.common.http.causes import innermost, timed_out
from airflow_provider_taskcluster.common.http.encoding import decoder_for
from airflow_provider_taskcluster.common.http.sender import RequestSender
from airflow_provider_taskcluster.common.http.strict_response import InvalidHead, underlying_response
from airflow_provider_taskcluster.common.messages import one_line
from airflow_provider_taskcluster.exceptions import TransferError
from airflow_provider_taskcluster.services.jobs_in_threads import check_jobs, jobs_have_ended, run_in_threads
from airflow_provider_taskcluster.services.transport import ApiResponse, BoundedBody, NoResponseError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractAsyncContextManager

    from urllib3 import BaseHTTPResponse

    from airflow_provider_taskcluster.common.http.connection import RequestConnection
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
        self._sender = RequestSender(network, check_jobs)

    @property
    def stopped(self) -> bool:
        """Whether ``stop`` was called in this process, or the jobs are to end that this thread runs."""
        return self._sender.stopped or jobs_have_ended()

    async def send(self, request: ApiRequest) -> ApiResponse:
        """Send a request and return the response. The time-outs together limit the time of its body."""
        from urllib3.exceptions import HTTPError

        headers = {"Accept": "*/*", "Accept-Encoding": "gzip", **request.headers}
        try:
            with self._sender.sent(request.method, request.url, headers, request.body) as (response, connection):
                return ApiResponse(response.status, response.headers, self._body(response, connection))
        except (HTTPError, http.client.HTTPException, OSError) as error:
            raise _no_response(error) from None

    def _body(self, response: BaseHTTPResponse, connection: RequestConnection) -> bytes:
        """Return the decoded body, or the beginning of an error."""
        body = BoundedBody(response.status, self._network.largest_answer)
        try:
            for piece in self._pieces(response, connection):
                if body.add(piece):
                    return body.content
        except TransferError as problem:
            if not body.is_error:  # the status tells what an error is
                encoding = one_line(response.headers.get("Content-Encoding", ""), 100)
                raise NoResponseError(f"its body cannot be decoded as {encoding}", problem) from None
            return body.content
        # urllib3 does not see the end of the body
        connection.detach()
        underlying_response(response).close()
        response.release_conn()
        return body.content

    def _pieces(self, response: BaseHTTPResponse, connection: RequestConnection) -> Iterator[bytes | memoryview]:
        """Yield the decoded body, which is complete at the end."""
        source, decoder = underlying_response(response), None
        if source.framing.unreadable:
            raise InvalidHead(f"a {source.framing.unreadable} that cannot be read")
        deadline = time.monotonic() + self._network.connect_timeout + self._network.read_timeout
        while data := source.read1(READ_SIZE):
            decoder = decoder or decoder_for(response.headers.get("Content-Encoding", ""), READ_SIZE)
            yield from decoder.decode(memoryview(data))
            if time.monotonic() > deadline:
                raise TimeoutError
        if connection.aborted:  # which looks like the end of a body whose length is not known
            raise ConnectionAbortedError
        if source.length:
            raise http.client.IncompleteRead(b"", source.length)
        if decoder:
            decoder.finish()

    async def sleep(self, seconds: float) -> None:
        """Block the thread."""
        time.sleep(seconds)  # noqa: ASYNC251 (this coroutine runs without an event loop)

    async def run_all(self, jobs: Sequence[Job], at_once: int) -> None:
        """Run the jobs in threads. The first error, or an interruption, ends all of them."""
        await run_in_threads(jobs, at_once, self._sender)

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
    if timed_out(error, cause):
        reason = "no answer in time"
    elif isinstance(error, http.client.IncompleteRead):
        reason = "its body ended early"
    else:
        reason = one_line(tls.reason(cause))
    refused = _REFUSED_BY_PROXY.search(str(cause))
    return NoResponseError(
        reason,
        cause,
        unknown_host=isinstance(cause, socket.gaierror),
        at_proxy=isinstance(error, ProxyError),
        status=int(refused[1]) if refused else 0,
    )

"""What carries requests to Taskcluster's APIs: one transport awaits in an event loop, another one blocks its thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    Job: TypeAlias = Callable[[], Coroutine[Any, Any, None]]

# Statuses from here on are errors: Taskcluster's APIs never redirect a call.
FIRST_ERROR = 300
# Bytes of an error that are read, decoded. The message is at its beginning, an echo of the request after that.
LARGEST_ERROR = 64 * 1024


class ApiRequest(NamedTuple):
    """A request, signed unless the client is anonymous. The URL is sent as it is, since it is signed."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None


class ApiResponse(NamedTuple):
    """A response: its body decoded, of an error its beginning. The names of headers match in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NoResponseError(Exception):
    """There was no response, or a broken one.

    :param reason: In a few words.
    :param cause: The error of the system, of TLS or of the library.
    :param unknown_host: The name of the server cannot be resolved.
    :param at_proxy: The proxy failed, not the server behind it.
    :param status: Status by which the proxy refused to connect; 0 for none.
    """

    def __init__(
        self, reason: str, cause: BaseException, *, unknown_host: bool = False, at_proxy: bool = False, status: int = 0
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.cause = cause
        self.unknown_host = unknown_host
        self.at_proxy = at_proxy
        self.status = status


class TooLargeError(Exception):
    """A response exceeds the limit on its size."""


class BoundedBody:
    """Collects the body of a response, of an error its beginning.

    :param status: Status of the response.
    :param largest: Bytes at most, unless it is an error.
    """

    def __init__(self, status: int, largest: int) -> None:
        self.is_error = status >= FIRST_ERROR
        self._limit = LARGEST_ERROR if self.is_error else largest
        self._content = bytearray()

    def add(self, piece: bytes | memoryview) -> bool:
        """Add decoded bytes; return whether the rest is left out.

        :raises TooLargeError: The body exceeds the limit.
        """
        self._content += piece
        if len(self._content) <= self._limit:
            return False
        if self.is_error:
            return True
        raise TooLargeError(f"more than {self._limit} bytes")

    @property
    def content(self) -> bytes:
        """The bytes."""
        return bytes(self._content[: self._limit])


class Transport(Protocol):
    """Sends requests over kept connections. The coroutines of one that blocks never suspend (``runner.run``)."""

    @property
    def stopped(self) -> bool:
        """Whether there is to be no further try."""

    async def send(self, request: ApiRequest) -> ApiResponse:
        """Send a request and return the response.

        :raises NoResponseError: There was none.
        :raises TooLargeError: Its body exceeds ``Network.largest_answer``.
        :raises ConfigurationError: The proxy or the certificates to trust cannot be used.
        """

    async def sleep(self, seconds: float) -> None:
        """Wait."""

    async def run_all(self, jobs: Sequence[Job], at_once: int) -> None:
        """Run jobs, a number of them at once."""

    def turns(self) -> AbstractAsyncContextManager[object]:
        """Return a lock for work that would keep an event loop busy."""

    def stop(self) -> None:
        """Allow no further try. May be called from another thread or a signal handler."""

    async def close(self) -> None:
        """Close the connections."""

"""Reads the live log of one run: finds its URL, connects, and connects again a few times after a break."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common.messages import visible
from airflow_provider_taskcluster.common.urls import url_problem
from airflow_provider_taskcluster.tasks.live_stream import CLEAN_END, LiveStream
from airflow_provider_taskcluster.tasks.log_position import Continuation, PrefixDiffers

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_taskcluster.common.network import Network
    from airflow_provider_taskcluster.tasks.live_hosts import LiveHosts
    from airflow_provider_taskcluster.tasks.log_position import LogPosition

log = logging.getLogger(__name__)

# Connections to the live log of one run: each begins at the first byte, which is expensive for a large log.
CONNECTIONS = 4
# Seconds between two looks for the URL of the stream, at most: it comes a little after the run begins.
LOOK_EVERY = 5.0
# Seconds of silence after which the URL is looked for again: a worker may have replaced it.
LONG_SILENCE = 60.0


class LiveReader:
    """The bytes of a live log that were not passed on yet, however often the connection breaks.

    :param label: The run, for log lines.
    :param find_url: Returns the URL of the stream; None if there is none now.
    :param position: What was passed on; the caller advances it.
    :param sleep: Waits some seconds; raises an error once the hook is stopped.
    """

    def __init__(
        self,
        label: str,
        find_url: Callable[[], str | None],
        position: LogPosition,
        *,
        hosts: LiveHosts,
        network: Network,
        sleep: Callable[[float], None],
        interval: float,
    ) -> None:
        self._label = label
        self._find_url = find_url
        self._position = position
        self._hosts = hosts
        self._network = network
        self._sleep = sleep
        self._pause = min(interval, LOOK_EVERY)
        self._stream: LiveStream | None = None
        self._connections_left = CONNECTIONS
        self._next_look = 0.0

    def next_block(self, timeout: float) -> bytes:
        """Return the next bytes; b"" if there are none within the time.

        :param timeout: Seconds.
        """
        stream = self._stream or self._connected()
        if stream is None:
            self._sleep(timeout)
            return b""
        block = stream.next_block(timeout)
        self._sleep(0)
        if block is None:
            self._ended(stream)
        elif block:
            self._next_look = time.monotonic() + LONG_SILENCE
            try:
                return self._continuation.rest_of(block)
            except PrefixDiffers:
                log.info(
                    "The live log of %s began anew with other bytes: the rest comes from the store",
                    visible(self._label),
                )
                self.give_up()
        elif time.monotonic() > self._next_look:
            self._follow_replacement(stream)
        return b""

    @property
    def is_connecting(self) -> bool:
        """Whether a host was asked for the stream, and has not answered yet."""
        return self._stream is not None and not self._stream.answered

    def give_up(self) -> None:
        """Close the connection, and make no other one."""
        self._connections_left = 0
        self.close()

    def close(self) -> None:
        """Close the connection."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    def _connected(self) -> LiveStream | None:
        if not self._connections_left or time.monotonic() < self._next_look:
            return None
        url = self._find_url()
        self._next_look = time.monotonic() + self._pause
        if url is None or not self._is_allowed(url):
            return None
        return self._connect(url)

    def _is_allowed(self, url: str) -> bool:
        """Check the host; if it is refused, say so once and give up."""
        why = self._hosts.refusal(url, resolve=not url_problem(url) and self._network.proxy_for(url) is None)
        if not why:
            return True
        log.warning(
            "The live log of %s is not read, so its log comes after the run: %s", visible(self._label), visible(why)
        )
        self.give_up()
        return False

    def _connect(self, url: str) -> LiveStream:
        self._connections_left -= 1
        self._continuation = Continuation(self._position)
        self._next_look = time.monotonic() + LONG_SILENCE
        self._stream = LiveStream(url, self._network)
        return self._stream

    def _ended(self, stream: LiveStream) -> None:
        """Plan the next connection: neither a clean end nor a broken one is the end of the run."""
        log.debug(
            "The live log of %s: %s after %d bytes", visible(self._label), visible(stream.ending), self._position.count
        )
        if stream.was_full:
            self.give_up()
            if stream.ending != CLEAN_END:
                log.info("The live log of %s is too fast: the rest of it follows after the run", visible(self._label))
        self.close()
        self._next_look = time.monotonic() + self._pause

    def _follow_replacement(self, stream: LiveStream) -> None:
        """After a long silence: connect anew if the worker has another stream by now."""
        self._next_look = time.monotonic() + LONG_SILENCE
        url = self._find_url()
        if url is not None and url != stream.url and self._is_allowed(url):
            self.close()
            self._connect(url)

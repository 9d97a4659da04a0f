"""Both transports of JSON calls, for tests that hold for each."""

from __future__ import annotations

import pytest

from airflow_provider_taskcluster.common.network import Network
from airflow_provider_taskcluster.services.async_transport import AsyncTransport
from airflow_provider_taskcluster.services.blocking_transport import BlockingTransport

DIRECT = Network(proxies={})


def blocking(_root_url, network=DIRECT):
    return BlockingTransport(network)


def in_event_loop(root_url, network=DIRECT):
    return AsyncTransport(root_url, network)


TRANSPORTS = [pytest.param(blocking, id="blocking"), pytest.param(in_event_loop, id="event loop")]
